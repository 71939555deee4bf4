import type { Order } from "@ordercast/client";
import { useText } from "../../i18n/text";
import { useNow_ms } from "../../ui/clock";
import { minutesLeft, promiseLateness } from "./preparation";
import { isOpen } from "./stages";

/** When the shop promised to have it ready, and how much of that is left; else when the buyer wants it. */
export function PromisedLine({ order }: { order: Order }) {
  const { promisedAt, requestedTime, status, heldFrom } = order;
  if (promisedAt != null && (status === "processing" || heldFrom === "processing"))
    return <Promised order={order} promisedAt={promisedAt} />;
  return requestedTime != null && isOpen(status) ? <Wanted at={requestedTime} /> : null;
}

/** When the buyer wants it, while nothing nearer is promised. */
function Wanted({ at }: { at: string }) {
  const { t, dateTime } = useText();
  return (
    <p className="order-promised" data-testid="order-wanted">
      <time dateTime={at}>{t("order.wanted", { time: dateTime(at) })}</time>
    </p>
  );
}

function Promised({ order, promisedAt }: { order: Order; promisedAt: string }) {
  const { t, time, dateTime } = useText();
  const now_ms = useNow_ms();
  const left = minutesLeft(promisedAt, now_ms);
  const late = promiseLateness(order, now_ms);
  return (
    <p className="order-promised" data-testid="order-promised" data-late={late === "fine" ? undefined : late}>
      <time dateTime={promisedAt} title={dateTime(promisedAt)}>
        {t("prep.by", { time: time(promisedAt) })}
      </time>{" "}
      <span>{t(left > 0 ? "prep.left" : "prep.late", { count: Math.abs(left) })}</span>
    </p>
  );
}
