import type { Order } from "@ordercast/client";
import type { TimelineEntry } from "../api/order-archive";
import { useText } from "../i18n/text";
import { mapUri } from "../ui/map-uri";
import { personOf, titleOf } from "./timeline-text";

/** All that became of the order, the oldest first, with who did it. */
export function OrderTimeline({ order, entries }: { order: Order; entries: TimelineEntry[] }) {
  const { t } = useText();
  return (
    <section aria-labelledby="opened-timeline">
      <h3 id="opened-timeline">{t("opened.timeline")}</h3>
      <ol className="events" data-testid="opened-timeline">
        {entries.map((entry, index) => (
          <Entry key={index} order={order} entry={entry} />
        ))}
      </ol>
    </section>
  );
}

function Entry({ order, entry }: { order: Order; entry: TimelineEntry }) {
  const text = useText();
  const { t, dateTime, time } = text;
  const { kind, at, driverName, promisedAt, eta, position, reason } = entry;
  const person = personOf(t, entry);
  return (
    <li className="event" data-kind={kind}>
      <p className="event-head">
        <strong>{titleOf(text, entry, order)}</strong>
        <time dateTime={at}>{dateTime(at)}</time>
      </p>
      <p className="muted">
        {[
          person,
          driverName && t("timeline.driver", { name: driverName }),
          promisedAt && t("prep.by", { time: time(promisedAt) }),
          eta && t("timeline.eta", { time: time(eta) }),
        ]
          .filter(Boolean)
          .join(" · ")}
        {position && (
          <>
            {" · "}
            <a href={mapUri(position)} rel="noreferrer">
              {t("timeline.place")}
            </a>
          </>
        )}
      </p>
      {entry.text && <p className="event-text">{entry.text}</p>}
      {reason && <p className="event-text">{reason}</p>}
    </li>
  );
}
