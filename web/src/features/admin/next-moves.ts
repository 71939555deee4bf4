import type { Order, Role } from "@ordercast/client";
import type { StatusFlow, Transition } from "../../api/status-flow";

/** The moves that the server's table allows this role for this order, as it lists them. */
export function nextMoves(flow: StatusFlow, order: Order, role: Role): Transition[] {
  return flow.order.filter(
    (move) =>
      move.from === order.status &&
      move.to !== order.status &&
      move.roles.includes(role) &&
      (move.fulfilment ?? order.fulfilment) === order.fulfilment &&
      leavesHold(flow, order, move),
  );
}

/** A held order goes back to where it was, or to an end that was open to it there. */
function leavesHold(flow: StatusFlow, { status, heldFrom }: Order, { to }: Transition): boolean {
  if (status !== "on_hold" || to === heldFrom) return true;
  const isEnd = !flow.order.some(({ from }) => from === to);
  return isEnd && flow.order.some((move) => move.from === heldFrom && move.to === to);
}
