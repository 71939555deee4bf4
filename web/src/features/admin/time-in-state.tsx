import type { Order } from "@ordercast/client";
import { useText } from "../../i18n/text";
import { Age } from "../../ui/age";
import { useSecond_ms } from "../../ui/clock";
import { promiseLateness } from "./preparation";
import { lateness, useBoardSettings } from "./settings";
import { stageOf } from "./stages";

const DAY_MS = 86_400_000;

/** How long an order has been in its status, and whether that is too long. */
export function TimeInState({ order }: { order: Order }) {
  const since = order.statusSince ?? order.updatedAt;
  return stageOf(order.status) === "done" ? <Age at={since} /> : <Timer order={order} since={since} />;
}

function Timer({ order, since }: { order: Order; since: string }) {
  const { t, elapsed, dateTime } = useText();
  const settings = useBoardSettings();
  const now_ms = useSecond_ms();
  // The shop's clock and this one differ; nobody has waited for less than nothing.
  const waited_ms = Math.max(0, now_ms - Date.parse(since));
  const late = promiseLateness(order, now_ms) ?? lateness(stageOf(order.status), waited_ms, settings);
  return (
    <time
      className="order-timer"
      role="timer"
      data-testid="order-timer"
      data-late={late === "fine" ? undefined : late}
      dateTime={since}
      title={t("order.since", { time: dateTime(since) })}
    >
      {waited_ms < DAY_MS ? elapsed(waited_ms) : <Age at={since} />}
    </time>
  );
}
