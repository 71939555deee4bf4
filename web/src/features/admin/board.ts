import type { Order, PaymentStatus, Status } from "@ordercast/client";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { HistoryEntry } from "../../api/orders";
import { byStage, isOpen, latestFirst, NO_STAGES, type Stage, stageOf, type Stages } from "./stages";

/** Of what is over, more cards than this help nobody; those that ended first make room. What is open always stays. */
export const ENDED_MAX = 200;

export interface BoardState {
  /** As the server told them. */
  readonly orders: ReadonlyMap<string, Order>;
  /** As they are shown: with what was pressed here, sent or not; each stage a list of its own. */
  readonly stages: Stages;
  /** What was pressed and has not been answered, by order, in the order in which it was pressed. */
  readonly moves: ReadonlyMap<string, readonly PendingMove[]>;
  /** Cancelled by somebody outside the shop, and where they stood then: they stay there until somebody has seen it. */
  readonly cancelled: ReadonlyMap<string, Stage>;
  /** Arrived live, so that they may catch the eye. */
  readonly fresh: ReadonlySet<string>;
  /** Nobody of the shop has opened them for a while, as the server says. */
  readonly unseen: ReadonlySet<string>;
  /** Of the orders that are over: those open are always fetched to the last. */
  readonly nextCursor: string | null;
  /** Whether as many that are over are here as ever will be: what is older is to be searched for. */
  readonly full: boolean;
  readonly loading: boolean;
  readonly problem: Error | undefined;
  /** What became of the last button pressed on an order; kept here because its card changes column with it. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** The order moved here last, whose card takes the focus to its new place. */
  readonly moved: string | undefined;
}

/** Why a press did not do what it said: somebody was quicker, or the server refused. */
export type Outcome = { order: Order; last: HistoryEntry | undefined } | Error;

/** A press that changes an order's status: shown at once, sent when it can no longer be taken back. */
export interface PendingMove {
  readonly orderId: string;
  readonly number: number;
  readonly from: Status;
  readonly to: Status;
  readonly reason: string | undefined;
  /** In how many minutes it will be ready, where it is accepted with a promise. */
  readonly minutes?: number;
  /** That of the order when it was pressed, or a later one in which its status is the same. */
  readonly version: number;
  readonly pressedAt: string;
  /** Can be taken back; is on its way; or waits for a connection. */
  readonly state: "undoable" | "sending" | "waiting";
}

/** One change of an order already on the board. */
export interface Change {
  orderId: string;
  version: number;
  at: string;
  /** Who has made it: a role and an id. */
  actor?: string;
  status?: Status;
  paymentStatus?: PaymentStatus;
  promisedAt?: string | null;
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
    stages: NO_STAGES,
    moves: new Map(),
    cancelled: new Map(),
    fresh: new Set(),
    unseen: new Set(),
    nextCursor: null,
    full: false,
    loading: true,
    problem: undefined,
    outcomes: new Map(),
    moved: undefined,
  }));
  /** Shown, but perhaps outdated since a gap in what was heard. */
  #stale = new Set<string>();
  /** What `shown` has made, so that an order in which nothing changes stays the same value. */
  readonly #shown = new WeakMap<PendingMove, Order>();

  has(id: string): boolean {
    return this.store.getState().orders.has(id);
  }

  /** Puts whole orders on the board, or newer ones in place of what is there. */
  merge(incoming: readonly Order[], { missed = false } = {}): void {
    const orders = new Map(this.store.getState().orders);
    const cancelled: Order[] = [];
    for (const order of incoming) {
      if (!this.#isNews(order.id, order.version)) continue;
      const before = orders.get(order.id);
      if (missed && before && this.#isTakenAway(before, order.status)) cancelled.push(before);
      orders.set(order.id, order);
    }
    for (const { id } of incoming) this.#stale.delete(id);
    this.#put(orders, cancelled);
  }

  /** Puts an order on the board that was placed just now. */
  arrive(order: Order): void {
    this.merge([order]);
    this.store.setState(({ fresh }) => ({ fresh: new Set(fresh).add(order.id) }));
  }

  /** Applies a change; an order that is not on the board is not looked for. */
  change({ orderId, version, at, actor, ...values }: Change): void {
    const order = this.store.getState().orders.get(orderId);
    if (order === undefined || version < order.version) return;
    const moves = values.status !== undefined && values.status !== order.status;
    const changed = {
      ...order,
      ...values,
      version,
      updatedAt: at,
      heldFrom: heldFromAfter(order, values.status),
      ...(moves && { statusSince: at }),
    };
    const isOurs = /^(admin|store):/.test(actor ?? "");
    const isTakenAway = !isOurs && values.status !== undefined && this.#isTakenAway(order, values.status);
    this.#put(new Map(this.store.getState().orders).set(orderId, changed), isTakenAway ? [order] : []);
  }

  /** Shows these moves of an order as if they were done; none takes them away. */
  setMoves(id: string, queue: readonly PendingMove[]): void {
    const moves = new Map(this.store.getState().moves);
    if (queue.length === 0) moves.delete(id);
    else moves.set(id, queue);
    this.#update({ moves });
  }

  /** Shows these as cancelled and not seen yet: known from before this page was loaded. */
  setCancelled(cancelled: ReadonlyMap<string, Stage>): void {
    this.#update({ cancelled: new Map([...cancelled, ...this.store.getState().cancelled]) });
  }

  /** Somebody has seen that it is cancelled. */
  acknowledge(id: string): void {
    const cancelled = new Map(this.store.getState().cancelled);
    if (cancelled.delete(id)) this.#update({ cancelled });
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
    this.#update({ orders });
  }

  #isTakenAway(before: Order, status: Status): boolean {
    if (status !== "cancelled" || !isOpen(before.status)) return false;
    return !this.store
      .getState()
      .moves.get(before.id)
      ?.some(({ to }) => to === "cancelled");
  }

  #put(orders: Map<string, Order>, takenAway: readonly Order[]): void {
    const cancelled = new Map(this.store.getState().cancelled);
    for (const { id, status } of takenAway) cancelled.set(id, stageOf(status));
    this.#update({ ...withinBound(orders, cancelled), ...(takenAway.length > 0 && { cancelled }) });
  }

  /** Sets what the stages are made of, and the stages with it. */
  #update(change: Partial<Pick<BoardState, "orders" | "moves" | "cancelled" | "full">>): void {
    this.store.setState((state) => {
      const { orders, moves, cancelled } = { ...state, ...change };
      const shown = Array.from(orders.values(), (order) => this.#shownAs(order, moves.get(order.id)));
      const place = ({ id, status }: Order) => cancelled.get(id) ?? stageOf(status);
      return { ...change, stages: byStage(shown, place, state.stages) };
    });
  }

  #shownAs(order: Order, queue: readonly PendingMove[] | undefined): Order {
    const last = queue?.at(-1);
    if (last === undefined) return order;
    const known = this.#shown.get(last);
    if (known?.version === order.version) return known;
    const shown = after(order, last);
    this.#shown.set(last, shown);
    return shown;
  }

  #isNews(id: string, version: number): boolean {
    const shown = this.store.getState().orders.get(id);
    return shown === undefined || this.#stale.has(id) || version > shown.version;
  }
}

/** The order as it will be once that is done. */
function after(order: Order, { to, pressedAt, minutes }: PendingMove): Order {
  return {
    ...order,
    status: to,
    heldFrom: heldFromAfter(order, to),
    statusSince: pressedAt,
    updatedAt: pressedAt,
    ...(minutes !== undefined && {
      promisedAt: new Date(Date.parse(pressedAt) + minutes * 60_000).toISOString(),
    }),
  };
}

function heldFromAfter(order: Order, status: Status | undefined): Status | null {
  if (status === undefined || status === order.status) return order.heldFrom;
  return status === "on_hold" ? order.status : null;
}

function withinBound(
  orders: Map<string, Order>,
  kept: ReadonlyMap<string, unknown>,
): { orders: Map<string, Order>; full: boolean } {
  const ended = [...orders.values()].filter(({ id, status }) => !isOpen(status) && !kept.has(id));
  if (ended.length > ENDED_MAX)
    for (const { id } of ended.sort(latestFirst).slice(ENDED_MAX)) orders.delete(id);
  return { orders, full: ended.length >= ENDED_MAX };
}
