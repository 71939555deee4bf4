import type { Fulfilment, Order, Status } from "@ordercast/client";
import type { HistoryEntry } from "../../api/orders";

/** The way of an order when all goes well. */
export const WAYS: Record<Fulfilment, readonly Status[]> = {
  delivery: [
    "pending",
    "processing",
    "ready_for_delivery",
    "driver_assigned",
    "picked_up",
    "in_transit",
    "delivered",
  ],
  pickup: ["pending", "processing", "ready_for_pickup", "delivered"],
};

export type StepState = "done" | "now" | "ahead";

export interface Step {
  status: Status;
  state: StepState;
  /** Whether it is what comes next. */
  next: boolean;
  /** When it was reached, as far as it has been. */
  at: string | undefined;
}

/** The steps of this order. One that left the way shows how far it had come. */
export function stepsOf(order: Order, history: readonly HistoryEntry[]): Step[] {
  const way = WAYS[order.fulfilment];
  const onTheWay = way.indexOf(order.status);
  const reached = onTheWay >= 0 ? onTheWay : furthest(way, order, history);
  return way.map((status, index) => ({
    status,
    state: index > reached ? "ahead" : index === onTheWay && index < way.length - 1 ? "now" : "done",
    next: onTheWay >= 0 && index === onTheWay + 1,
    at: index <= reached ? reachedAt(status, history) : undefined,
  }));
}

function furthest(way: readonly Status[], order: Order, history: readonly HistoryEntry[]): number {
  const visited = [order.heldFrom, ...history.map(({ toStatus }) => toStatus)];
  return Math.max(0, ...visited.map((status) => (status === null ? -1 : way.indexOf(status))));
}

function reachedAt(status: Status, history: readonly HistoryEntry[]): string | undefined {
  return history.findLast(({ fromStatus, toStatus }) => toStatus === status && fromStatus !== status)?.at;
}
