import type { Order } from "@ordercast/client";
import type { HistoryEntry } from "../../api/orders";
import { statusLabel } from "../../i18n/statuses";
import { useText } from "../../i18n/text";

/** All that happened, newest on top, with the reasons given. */
export function Events({ order, history }: { order: Order; history: HistoryEntry[] }) {
  const { t, dateTime } = useText();
  if (history.length === 0) return null;
  return (
    <section className="card events" aria-labelledby="events-heading">
      <h2 id="events-heading">{t("track.events")}</h2>
      <ol reversed>
        {history.toReversed().map((entry) => (
          <li key={entry.version}>
            <span>{whatHappened(entry)}</span>
            {entry.reason !== null && entry.reason !== "" && <q>{entry.reason}</q>}
            <time dateTime={entry.at}>{dateTime(entry.at)}</time>
          </li>
        ))}
      </ol>
    </section>
  );

  function whatHappened({ fromStatus, toStatus, fromPaymentStatus, toPaymentStatus }: HistoryEntry): string {
    const parts = [
      ...(fromStatus === toStatus ? [] : [statusLabel(t, toStatus, order.fulfilment)]),
      ...(fromPaymentStatus === null || fromPaymentStatus === toPaymentStatus
        ? []
        : [t("track.payment", { status: t(`paymentStatus.${toPaymentStatus}`) })]),
    ];
    return parts.length > 0 ? parts.join(" · ") : t("track.changed");
  }
}
