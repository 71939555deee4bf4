import type { Order, PaymentStatus, Status } from "@ordercast/client";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { HistoryEntry } from "../../api/orders";
import { isOpen, latestFirst } from "./stages";

/** Of what is over, more cards than this help nobody; those that ended first make room. What is open always stays. */
export const ENDED_MAX = 200;

export interface BoardState {
  readonly orders: ReadonlyMap<string, Order>;
  /** Arrived live, so that they may catch the eye. */
  readonly fresh: ReadonlySet<string>;
  /** Nobody of the shop has opened them for a while, as the server says. */
  readonly unseen: ReadonlySet<string>;
  /** Of the orders that are over: those open are always fetched to the last. */
  readonly nextCursor: string | null;
  readonly loading: boolean;
  readonly problem: Error | undefined;
  /** What became of the last button pressed on an order; kept here because its card changes column with it. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** The order moved here last, whose card takes the focus to its new place. */
  readonly moved: string | undefined;
}

/** Why a press did not do what it said: somebody was quicker, or the server refused. */
export type Outcome = { order: Order; last: HistoryEntry | undefined } | Error;

/** One change of an order already on the board. */
export interface Change {
  orderId: string;
  version: number;
  at: string;
  status?: Status;
  paymentStatus?: PaymentStatus;
  amountPaid?: number;
  amountRefunded?: number;
  amountRefunding?: number;
}

/**
 * The orders on the screen, put together from pages fetched and events heard, in whatever order these come.
 *
 * The version decides: what is older than what is shown changes nothing.
 */
export class Board {
  readonly store: StoreApi<BoardState> = createStore<BoardState>(() => ({
    orders: new Map(),
    fresh: new Set(),
    unseen: new Set(),
    nextCursor: null,
    loading: true,
    problem: undefined,
    outcomes: new Map(),
    moved: undefined,
  }));
  /** Shown, but perhaps outdated since a gap in what was heard. */
  #stale = new Set<string>();

  has(id: string): boolean {
    return this.store.getState().orders.has(id);
  }

  /** Puts whole orders on the board, or newer ones in place of what is there. */
  merge(incoming: readonly Order[]): void {
    const orders = new Map(this.store.getState().orders);
    for (const order of incoming) if (this.#isNews(order.id, order.version)) orders.set(order.id, order);
    for (const { id } of incoming) this.#stale.delete(id);
    this.store.setState({ orders: withinBound(orders) });
  }

  /** Puts an order on the board that was placed just now. */
  arrive(order: Order): void {
    this.merge([order]);
    this.store.setState(({ fresh }) => ({ fresh: new Set(fresh).add(order.id) }));
  }

  /** Applies a change; an order that is not on the board is not looked for. */
  change({ orderId, version, at, ...values }: Change): void {
    const order = this.store.getState().orders.get(orderId);
    if (order === undefined || version < order.version) return;
    const changed = {
      ...order,
      ...values,
      version,
      updatedAt: at,
      heldFrom: heldFromAfter(order, values.status),
    };
    this.store.setState(({ orders }) => ({ orders: withinBound(new Map(orders).set(orderId, changed)) }));
  }

  /** The eye has been caught. */
  seen(id: string): void {
    this.store.setState(({ fresh }) => ({ fresh: new Set([...fresh].filter((each) => each !== id)) }));
  }

  /** Marks an order that nobody has opened, until somebody here does, or it moves. */
  markUnseen(id: string): void {
    this.store.setState(({ unseen }) => ({ unseen: new Set(unseen).add(id) }));
  }

  opened(id: string): void {
    if (!this.store.getState().unseen.has(id)) return;
    this.store.setState(({ unseen }) => ({ unseen: new Set([...unseen].filter((each) => each !== id)) }));
  }

  /** Remembers what a press came to; undefined when it did what it said. */
  setOutcome(id: string, outcome: Outcome | undefined): void {
    this.store.setState(({ outcomes }) => {
      const next = new Map(outcomes);
      if (outcome === undefined) next.delete(id);
      else next.set(id, outcome);
      return { outcomes: next, moved: id };
    });
  }

  setFetch(change: Partial<Pick<BoardState, "loading" | "problem" | "nextCursor">>): void {
    this.store.setState(change);
  }

  /** After a gap nothing shown is certain until it has been fetched or heard again. */
  markAllStale(): void {
    this.#stale = new Set(this.store.getState().orders.keys());
  }

  /** Takes away what is still uncertain, now that everything open has been fetched. */
  dropStale(but: ReadonlySet<string> = new Set()): void {
    const gone = [...this.#stale].filter((id) => !but.has(id));
    if (gone.length === 0) return;
    const orders = new Map(this.store.getState().orders);
    for (const id of gone) {
      orders.delete(id);
      this.#stale.delete(id);
    }
    this.store.setState({ orders });
  }

  #isNews(id: string, version: number): boolean {
    const shown = this.store.getState().orders.get(id);
    return shown === undefined || this.#stale.has(id) || version > shown.version;
  }
}

function heldFromAfter(order: Order, status: Status | undefined): Status | null {
  if (status === undefined || status === order.status) return order.heldFrom;
  return status === "on_hold" ? order.status : null;
}

function withinBound(orders: Map<string, Order>): Map<string, Order> {
  const ended = [...orders.values()].filter(({ status }) => !isOpen(status));
  for (const { id } of ended.toSorted(latestFirst).slice(ENDED_MAX)) orders.delete(id);
  return orders;
}
