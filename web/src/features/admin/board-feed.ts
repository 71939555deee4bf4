import {
  covers,
  isOrder,
  type Live,
  type Order,
  type OrderStatusUpdated,
  parsePosition,
  type PaymentUpdate,
  type Position,
} from "@ordercast/client";
import type { OrderPage } from "../../api/orders";
import { Problem } from "../../api/problem";
import type { Board, Change } from "./board";

/** Where the board's orders come from when they are asked for. */
export interface OrderSource {
  page: (cursor: string | null) => Promise<OrderPage>;
  order: (id: string) => Promise<Order>;
}

/** Keeps a board true: fetches its first page, then follows what is heard, and fetches anew after a gap. */
export class BoardFeed {
  readonly #board: Board;
  readonly #live: Live;
  readonly #source: OrderSource;
  readonly #arrivals = new Set<(order: Order) => void>();
  #stops: (() => void)[] = [];
  #fetchedAt: Position | undefined;

  constructor(board: Board, live: Live, source: OrderSource) {
    this.#board = board;
    this.#live = live;
    this.#source = source;
  }

  /** Listens and fetches until the returned function is called. The connection itself is its owner's. */
  start(): () => void {
    this.#stops = [
      this.#live.on("newOrder", (order) => this.#arrived(order)),
      this.#live.on("order_update", (order) => this.#board.merge([order])),
      this.#live.on("orderStatusUpdated", (heard) => this.#changed(statusIn(heard))),
      this.#live.on("payment_update", ({ orderId, ...heard }) => {
        // A booking's is no card of this board.
        if (orderId !== undefined) this.#changed(paymentIn({ orderId, ...heard }));
      }),
      this.#live.on("ready", () => this.#catchUp()),
      this.#live.onGap(() => void this.#startAnew()),
    ];
    void this.reload();
    return () => {
      for (const stop of this.#stops) stop();
    };
  }

  /** Calls `handler` for each order placed while the board is watched. Returns how to stop. */
  onArrival(handler: (order: Order) => void): () => void {
    this.#arrivals.add(handler);
    return () => this.#arrivals.delete(handler);
  }

  async reload(): Promise<void> {
    const page = await this.#fetch(null);
    if (page === undefined) return;
    this.#fetchedAt = parsePosition(page.position);
    this.#board.dropStale();
    this.#catchUp();
  }

  async loadOlder(): Promise<void> {
    const { nextCursor } = this.#board.store.getState();
    if (nextCursor !== null) await this.#fetch(nextCursor);
  }

  /** Fetches one order as it stands now, for a card that proved outdated. */
  async refresh(id: string): Promise<Order> {
    const order = await this.#source.order(id);
    this.#board.merge([order]);
    return order;
  }

  #arrived(order: Order): void {
    const known = this.#board.has(order.id);
    this.#board.arrive(order);
    if (known) return;
    for (const handler of [...this.#arrivals]) handler(order);
  }

  #changed(change: Change): void {
    if (this.#board.has(change.orderId)) {
      this.#board.change(change);
    } else {
      // Older than the pages fetched so far; one that moves belongs on the board.
      this.refresh(change.orderId).catch((error: unknown) => this.#failed(error));
    }
  }

  /** A page read before the socket was in its rooms lacks what was committed in between. */
  #catchUp(): void {
    const { readyAt } = this.#live.getSnapshot();
    if (this.#fetchedAt !== undefined && !covers(this.#fetchedAt, readyAt)) {
      this.#fetchedAt = undefined;
      void this.reload();
    }
  }

  async #startAnew(): Promise<void> {
    this.#board.markAllStale();
    await this.reload();
  }

  async #fetch(cursor: string | null): Promise<OrderPage | undefined> {
    this.#board.setFetch({ loading: true, problem: undefined });
    try {
      const page = await this.#source.page(cursor);
      this.#board.merge(page.items.filter(isOrder));
      this.#board.setFetch({ loading: false, nextCursor: page.nextCursor });
      return page;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    const problem = error instanceof Error ? error : new Problem(0, {});
    this.#board.setFetch({ loading: false, problem });
  }
}

// Of an event, what is the order's: its other fields have no place on a card.

function statusIn({ orderId, version, at, newStatus, paymentStatus }: OrderStatusUpdated): Change {
  return { orderId, version, at, status: newStatus, paymentStatus };
}

function paymentIn({
  orderId,
  version,
  at,
  newPaymentStatus,
  ...told
}: PaymentUpdate & { orderId: string }): Change {
  const { amountPaid, amountRefunded, amountRefunding } = told;
  return {
    orderId,
    version,
    at,
    paymentStatus: newPaymentStatus,
    amountPaid,
    amountRefunded,
    amountRefunding,
  };
}
