import type { Order } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { noticeQuery } from "../../api/staff-queries";
import { useText } from "../../i18n/text";
import { currentToken } from "../session/session";

/** On whose screen the order first was, and who first opened it, each with how long after it came. */
export function NoticeLine({ order }: { order: Order }) {
  const { t, number, time } = useText();
  const { data } = useQuery(noticeQuery(order, currentToken()));
  if (data === undefined) return null;
  const told = (
    [
      ["notice.received", data.received],
      ["notice.opened", data.opened],
    ] as const
  ).flatMap(([key, step]) =>
    step === null
      ? []
      : [
          t(key, {
            name: step.name ?? t("notice.somebody"),
            time: time(step.at),
            seconds: number(Math.round(step.seconds * 10) / 10),
          }),
        ],
  );
  return (
    <p className="order-notice muted" data-testid="order-notice">
      {told.length === 0 ? t("notice.nobody") : told.join(" ")}
    </p>
  );
}
