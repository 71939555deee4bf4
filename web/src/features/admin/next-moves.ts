import type { Order, Role } from "@ordercast/client";
import type { StatusFlow, Transition } from "../../api/status-flow";

/** The moves that the server's table allows this role for this order, as it lists them. */
export function nextMoves(flow: StatusFlow, order: Order, role: Role): Transition[] {
  return flow.order.filter(
    (move) =>
      move.from === order.status &&
      move.roles.includes(role) &&
      (move.fulfilment ?? order.fulfilment) === order.fulfilment &&
      move.guards.every((guard) => GUARDS[guard]?.(order, move, flow) ?? true),
  );
}

type Guard = (order: Order, move: Transition, flow: StatusFlow) => boolean;

/** The table's conditions that can be seen from here. What cannot be seen is offered, and the server decides. */
const GUARDS: Record<string, Guard | undefined> = {
  payment_ready: ({ paymentInfo, paymentStatus }) =>
    paymentInfo.method === "cash" || paymentStatus === "authorized" || paymentStatus === "paid",
  driver_known: ({ driverId }) => driverId !== null,
  held_here: ({ heldFrom }, { to }) => to === heldFrom,
  // A held order may end where it could have ended without the hold.
  held_before_pickup: ({ heldFrom }, { to }, flow) =>
    flow.order.some((move) => move.from === heldFrom && move.to === to),
};
