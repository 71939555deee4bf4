import type { Order } from "@ordercast/client";
import type { HistoryEntry } from "../../api/orders";
import { statusLabel } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { PaymentBadge } from "../../ui/badges";
import { Check } from "../../ui/icons";
import { type Step, stepsOf } from "./steps";

/** Where the order is now, in a sentence and on its way. */
export function Timeline({ order, history }: { order: Order; history: HistoryEntry[] }) {
  const { t } = useText();
  const collected = order.status === "delivered" && order.fulfilment === "pickup";
  return (
    <section className="card now" aria-labelledby="now-heading">
      <div aria-live="polite" aria-atomic="true">
        <h2 id="now-heading" data-testid="track-status" data-status={order.status}>
          {statusLabel(t, order.status, order.fulfilment)}
        </h2>
        <p className="sentence">{collected ? t("sentence.collected") : t(`sentence.${order.status}`)}</p>
      </div>
      <p className="badges">
        <PaymentBadge order={order} />
      </p>
      <ol className="timeline" data-testid="timeline">
        {stepsOf(order, history).map((step) => (
          <StepItem key={step.status} step={step} order={order} />
        ))}
      </ol>
    </section>
  );
}

function StepItem({ step: { status, state, at }, order }: { step: Step; order: Order }) {
  const { t, dateTime } = useText();
  return (
    <li
      className="step"
      data-state={state}
      data-status={status}
      aria-current={state === "now" ? "step" : undefined}
    >
      <span className="step-mark">{state === "done" && <Check />}</span>
      <span className="step-label">
        {statusLabel(t, status, order.fulfilment)}
        <span className="visually-hidden"> — {t(`step.${state}`)}</span>
      </span>
      {at !== undefined && (
        <time className="step-time" dateTime={at}>
          {dateTime(at)}
        </time>
      )}
    </li>
  );
}
