import type { Order, Status } from "@ordercast/client";
import { queryOptions } from "@tanstack/react-query";
import { get } from "../../api/http";
import type { OrderPage } from "../../api/orders";
import type { StatusFlow, Transition } from "../../api/status-flow";
import { currentToken } from "../session/session";
import { type Tap, waitingOf } from "./taps";

/** Where an order is a driver's task, in the order in which they are done: who has goods in hand brings them first. */
const STAGES: readonly Status[] = [
  "in_transit",
  "picked_up",
  "delivery_failed",
  "driver_assigned",
  "returning",
];
/** More at once than anybody carries. */
const PER_STAGE = 50;

export const tasksQuery = (driverId: string) =>
  queryOptions({
    queryKey: ["tasks", driverId],
    queryFn: async ({ signal }) => {
      const pages = await Promise.all(
        STAGES.map((stage) =>
          get<OrderPage>(`/api/orders?status=${stage}&limit=${PER_STAGE}`, { token: currentToken(), signal }),
        ),
      );
      return pages.flatMap(({ items }) => items).filter((order) => order.driverId === driverId);
    },
    // What is heard of says when it is old.
    staleTime: Infinity,
  });

/** An order with what was tapped and is not sent yet, and why the last tap was refused. */
export interface Task {
  order: Order;
  waiting: readonly Tap[];
  refused: Tap | undefined;
}

/** The tasks as the driver has left them, the next one first. */
export function tasksOf(orders: readonly Order[], taps: readonly Tap[]): Task[] {
  return orders
    .map((order) => taskOf(order, taps))
    .filter(({ order, waiting }) => waiting.length > 0 || STAGES.includes(order.status))
    .toSorted((a, b) => turnOf(a.order) - turnOf(b.order) || a.order.number - b.order.number);
}

/** What is done but for the sending comes last. */
function turnOf({ status }: Order): number {
  const turn = STAGES.indexOf(status);
  return turn === -1 ? STAGES.length : turn;
}

function taskOf(order: Order, taps: readonly Tap[]): Task {
  const waiting = waitingOf(taps, order.id);
  const status = waiting.at(-1)?.status ?? order.status;
  const refused = taps.find(({ orderId, refusal }) => orderId === order.id && refusal !== undefined);
  return { order: { ...order, status }, waiting, refused };
}

/** What the driver may do next by the server's table: what goes on first. */
export function stepsOf(flow: StatusFlow, { status, fulfilment }: Order): Transition[] {
  const moves = flow.order.filter(
    (move) =>
      move.from === status &&
      move.roles.includes("driver") &&
      (move.fulfilment === null || move.fulfilment === fulfilment),
  );
  return moves.toSorted((a, b) => Number(AGAINST.includes(a.to)) - Number(AGAINST.includes(b.to)));
}

export const AGAINST: readonly Status[] = ["delivery_failed", "returning", "ready_for_delivery"];
