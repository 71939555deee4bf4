import type { Order, Status } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { statusFlowQuery, type Transition } from "../../api/status-flow";
import { statusLabel } from "../../i18n/statuses";
import { type Text, useText } from "../../i18n/text";
import { useBoardContext } from "./board-context";
import { nextMoves } from "./next-moves";
import { OutcomeNote } from "./outcome-note";
import { ReasonDialog } from "./reason-dialog";
import { useMove } from "./use-move";

/** A button for each move the server's table allows, and what became of the last one pressed. */
export function StatusButtons({ order, gone }: { order: Order; gone: boolean }) {
  const { t } = useText();
  const { session } = useBoardContext();
  const flow = useQuery(statusFlowQuery);
  const move = useMove(order);
  const [asking, setAsking] = useState<Transition>();
  const moves = flow.data ? nextMoves(flow.data, order, session.user.role) : [];
  // What is pressed most stands first, what undoes an order last.
  const place = ({ to }: Transition) => TONES.indexOf(toneOf(to, order));
  const sorted = moves.toSorted((a, b) => place(a) - place(b));
  return (
    <>
      {!gone && <OutcomeNote id={order.id} />}
      {sorted.length > 0 && (
        <div className="order-moves">
          {sorted.map((next) => (
            <button
              key={next.to}
              type="button"
              className={CLASSES[toneOf(next.to, order)]}
              data-testid="status-button"
              data-to={next.to}
              // Not `disabled`, which would lose the focus.
              aria-disabled={move.busy}
              onClick={() => {
                if (move.busy) return;
                if (next.needsReason) setAsking(next);
                else move.to(next.to);
              }}
            >
              {actionLabel(t, next.to, order)}
            </button>
          ))}
        </div>
      )}
      {asking && (
        <ReasonDialog
          title={t("reason.title", {
            action: actionLabel(t, asking.to, order),
            number: String(order.number),
          })}
          onClose={() => setAsking(undefined)}
          onReason={(reason) => {
            setAsking(undefined);
            move.to(asking.to, reason);
          }}
        />
      )}
    </>
  );
}

/** What pressing does, where the name of the state would not say it. */
function actionLabel(t: Text["t"], to: Status, order: Order): string {
  if (order.status === "on_hold" && to === order.heldFrom) return t("action.resume");
  if (to === "processing") return t("action.accept");
  if (to === "rejected") return t("action.reject");
  if (to === "cancelled") return t("action.cancel");
  if (to === "on_hold") return t("action.hold");
  return statusLabel(t, to, order.fulfilment);
}

type Tone = "forward" | "aside" | "against";
const TONES: readonly Tone[] = ["forward", "aside", "against"];

const AGAINST: readonly Status[] = ["cancelled", "rejected", "delivery_failed", "returning", "returned"];

function toneOf(to: Status, { status }: Order): Tone {
  if (AGAINST.includes(to)) return "against";
  return to === "on_hold" || status === "driver_assigned" ? "aside" : "forward";
}

const CLASSES: Record<Tone, string> = {
  forward: "button button--small button--primary",
  aside: "button button--small",
  against: "button button--small button--danger",
};
