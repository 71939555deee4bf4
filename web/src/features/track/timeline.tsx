import type { Order } from "@ordercast/client";
import type { Delivery } from "../../api/deliveries";
import type { HistoryEntry } from "../../api/orders";
import { statusLabel } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { PaymentBadge } from "../../ui/badges";
import { useNow_ms } from "../../ui/clock";
import { Check } from "../../ui/icons";
import { KeyedText } from "../../ui/keyed-text";
import { isOver } from "./over";
import { type Step, stepsOf } from "./steps";

interface TimelineProps {
  order: Order;
  history: HistoryEntry[];
  delivery: Delivery | undefined;
}

/** When it comes; where the order is now, in a sentence and on its way. */
export function Timeline({ order, history, delivery }: TimelineProps) {
  const { t } = useText();
  const collected = order.status === "delivered" && order.fulfilment === "pickup";
  return (
    <section className="card now" aria-labelledby="now-heading">
      <Arrival order={order} eta={delivery?.eta ?? null} />
      <PromisedTime order={order} />
      <div aria-live="polite" aria-atomic="true">
        <h2 id="now-heading" data-testid="track-status" data-status={order.status}>
          <KeyedText>{statusLabel(t, order.status, order.fulfilment)}</KeyedText>
        </h2>
        <p className="sentence">
          <KeyedText>{collected ? t("sentence.collected") : t(`sentence.${order.status}`)}</KeyedText>
        </p>
      </div>
      <p className="badges" key={order.paymentStatus}>
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

function Arrival({ order, eta }: { order: Order; eta: string | null }) {
  const { t, time } = useText();
  const now_ms = useNow_ms();
  if (eta === null || isOver(order)) return null;
  const left = Math.max(1, Math.round((Date.parse(eta) - now_ms) / 60_000));
  return (
    <p className="arrival" aria-live="polite" data-testid="delivery-eta">
      <KeyedText>{t("delivery.eta", { count: left, time: time(eta) })}</KeyedText>
    </p>
  );
}

/** When the shop has said it would be ready, until it is. */
function PromisedTime({ order }: { order: Order }) {
  const { t, time, dateTime } = useText();
  if (order.requestedTime != null && isBeforeReady(order))
    return (
      <p className="arrival" data-testid="wanted-time">
        <KeyedText>{t("track.wanted", { time: dateTime(order.requestedTime) })}</KeyedText>
      </p>
    );
  if (order.promisedAt == null || !isInPreparation(order)) return null;
  return (
    <p className="arrival" aria-live="polite" data-testid="promised-time">
      <KeyedText>{t("track.promised", { time: time(order.promisedAt) })}</KeyedText>
    </p>
  );
}

/** What is wanted for a time and promised for another says the promise. */
const isBeforeReady = (order: Order) =>
  (order.heldFrom ?? order.status) === "pending" ||
  (isInPreparation(order) && (order.promisedAt ?? order.requestedTime) === order.requestedTime);

const isInPreparation = ({ status, heldFrom }: Order) => (heldFrom ?? status) === "processing";

function StepItem({ step: { status, state, next, at }, order }: { step: Step; order: Order }) {
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
        <span className="visually-hidden">
          {" — "}
          <KeyedText>{t(next ? "step.next" : `step.${state}`)}</KeyedText>
        </span>
      </span>
      {at !== undefined && (
        <time className="step-time" dateTime={at} key={at}>
          {dateTime(at)}
        </time>
      )}
    </li>
  );
}
