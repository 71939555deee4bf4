import type { Order } from "@ordercast/client";
import { useState } from "react";
import type { StatusFlow, Transition } from "../../api/status-flow";
import { statusLabel } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { ChatLink } from "../../ui/chat-link";
import { mapUri } from "../../ui/map-uri";
import { Handover } from "./handover";
import { type Step, useTaps } from "./taps";
import { AGAINST, stepsOf, type Task } from "./tasks";
import { WhyNot } from "./why-not";

interface TaskCardProps {
  task: Task;
  isNext: boolean;
  flow: StatusFlow | undefined;
  driverId: string;
}

/** One delivery: where to, whom to call, what to take, and the next stage under the thumb. */
export function TaskCard({ task: { order, waiting, refused }, isNext, flow, driverId }: TaskCardProps) {
  const { t, money } = useText();
  const heading = `task-${order.id}`;
  return (
    <li
      className={isNext ? "card task task--next" : "card task"}
      aria-labelledby={heading}
      data-testid="task"
      data-order-id={order.id}
      data-status={order.status}
    >
      <div className="task-head">
        <h2 id={heading}>
          {isNext && <span className="task-turn">{t("courier.next")}</span>} #{order.number}
        </h2>
        <strong data-testid="task-status">{statusLabel(t, order.status, order.fulfilment)}</strong>
      </div>
      <Door order={order} />
      {order.amountToCollect !== undefined && order.amountToCollect > 0 && (
        <p className="task-cash" data-testid="task-cash">
          {t("courier.collect", { amount: money(order.amountToCollect, order.currency) })}
        </p>
      )}
      <details className="task-goods">
        <summary>
          {t("order.items", { count: order.cartItems.reduce((sum, { quantity }) => sum + quantity, 0) })}
        </summary>
        <ul>
          {order.cartItems.map(({ productId, name, quantity }) => (
            <li key={productId}>{t("order.line", { count: quantity, name })}</li>
          ))}
        </ul>
      </details>
      {waiting.length > 0 && (
        <p className="note note--small" data-testid="task-waiting">
          {t("courier.waits")}
        </p>
      )}
      {refused?.refusal !== undefined && (
        <div className="note note--small note--bad" role="alert">
          <p>{refused.refusal}</p>
          <button type="button" className="button" onClick={() => useTaps.getState().dismiss(order.id)}>
            {t("courier.understood")}
          </button>
        </div>
      )}
      {flow && <Steps order={order} flow={flow} driverId={driverId} />}
    </li>
  );
}

/** Who and where: called, and found, by one press. */
function Door({ order }: { order: Order }) {
  const { t } = useText();
  const { name, mobile } = order.customerInfo;
  const address = order.shippingInfo;
  const lines = [address?.line1, address?.line2, address?.city, address?.postcode].filter(Boolean).join(", ");
  return (
    <>
      <p className="task-who">{address?.name ?? name ?? t("order.unnamed")}</p>
      {lines !== "" && <address data-testid="task-address">{lines}</address>}
      <div className="task-ways">
        {mobile && (
          <a className="button thumb" href={`tel:${mobile}`} data-testid="task-call">
            {t("courier.call")}
          </a>
        )}
        {address && (
          <a
            className="button thumb"
            href={mapUri(address.location ?? lines)}
            rel="noreferrer"
            data-testid="task-navigate"
          >
            {t("courier.navigate")}
          </a>
        )}
        <ChatLink about={order.id} className="button thumb" />
      </div>
    </>
  );
}

function Steps({ order, flow, driverId }: { order: Order; flow: StatusFlow; driverId: string }) {
  const { t } = useText();
  const [asking, setAsking] = useState<Transition>();
  const add = useTaps((state) => state.add);
  const take = (step: Step) => {
    setAsking(undefined);
    add(driverId, order, step);
  };
  return (
    <div className="task-steps">
      {stepsOf(flow, order).map((move) => (
        <button
          key={move.to}
          type="button"
          className={`button thumb ${AGAINST.includes(move.to) ? "button--danger" : "button--primary"}`}
          data-testid="step"
          data-to={move.to}
          onClick={() => (asksFor(move) ? setAsking(move) : take({ status: move.to }))}
        >
          {stepLabel(t, move)}
        </button>
      ))}
      {asking?.to === "delivered" && (
        <Handover
          order={order}
          onClose={() => setAsking(undefined)}
          onProof={(proof) => take({ status: "delivered", ...proof })}
        />
      )}
      {asking !== undefined && asking.to !== "delivered" && (
        <WhyNot
          presets={asking.to === "delivery_failed"}
          number={order.number}
          onClose={() => setAsking(undefined)}
          onReason={(reason) => take({ status: asking.to, reason })}
        />
      )}
    </div>
  );
}

const asksFor = ({ to, needsReason }: Transition): boolean => needsReason || to === "delivered";

/** What pressing does, where it has words of its own. */
function stepLabel(t: ReturnType<typeof useText>["t"], { from, to }: Transition): string {
  if (from === "delivery_failed" && to === "in_transit") return t("step.again");
  if (to === "picked_up") return t("step.picked_up");
  if (to === "in_transit") return t("step.in_transit");
  if (to === "delivered") return t("step.delivered");
  if (to === "delivery_failed") return t("step.delivery_failed");
  if (to === "returning") return t("step.returning");
  if (to === "ready_for_delivery") return t("step.giveBack");
  if (to === "returned") return t("step.returned");
  return t(`status.${to}`);
}
