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
import { Together } from "./together";

/** Where the board's orders come from when they are asked for. */
export interface OrderSource {
  /** Those open, oldest first. */
  open: (cursor: string | null) => Promise<OrderPage>;
  /** Those that are over, newest first. */
  ended: (cursor: string | null) => Promise<OrderPage>;
  order: (id: string) => Promise<Order>;
}

/** In a rush, what comes meanwhile is drawn at once: five times a second is as it happens, for whoever looks. */
const DRAWN_EVERY_MS = 200;
/** How long to wait before an answer that did not come is asked for again: twice as long each time, to the second. */
const AGAIN_AFTER_MS = [1_000, 30_000] as const;

/**
 * Keeps a board true: fetches everything open, then follows what is heard, and fetches anew after a gap.
 *
 * An event without a place in the feed is not the shop's own, whatever its name: it is the reason to ask the shop.
 */
export class BoardFeed {
  readonly #board: Board;
  readonly #live: Live;
  readonly #source: OrderSource;
  readonly #together = new Together(DRAWN_EVERY_MS);
  readonly #arrivals = new Set<(order: Order) => void>();
  #stops: (() => void)[] = [];
  #fetchedAt: Position | undefined;
  /** Counts fetches of the whole board, so that one that was overtaken changes nothing any more. */
  #run = 0;
  #failures = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #asking = new Set<string>();

  constructor(board: Board, live: Live, source: OrderSource) {
    this.#board = board;
    this.#live = live;
    this.#source = source;
  }

  /** Listens and fetches until the returned function is called. The connection itself is its owner's. */
  start(): () => void {
    this.#stops = [
      this.#live.on("newOrder", (order, position) =>
        this.#ours(order.id, position, () => this.#arrived(order)),
      ),
      this.#live.on("order_update", (order, position) =>
        this.#ours(order.id, position, () => this.#board.merge([order])),
      ),
      this.#live.on("orderStatusUpdated", (heard, position) =>
        this.#ours(heard.orderId, position, () => this.#changed(statusIn(heard))),
      ),
      this.#live.on("payment_update", ({ orderId, ...heard }, position) => {
        // A booking's is no card of this board.
        if (orderId === undefined) return;
        this.#ours(orderId, position, () => this.#changed(paymentIn({ orderId, ...heard })));
      }),
      this.#live.on("ready", () => this.#catchUp()),
      this.#live.onGap(() => void this.#startAnew()),
    ];
    void this.reload();
    return () => {
      for (const stop of this.#stops) stop();
      this.#together.stop();
      this.#run += 1;
      clearTimeout(this.#again);
    };
  }

  /** Calls `handler` for each order placed while the board is watched. Returns how to stop. */
  onArrival(handler: (order: Order) => void): () => void {
    this.#arrivals.add(handler);
    return () => this.#arrivals.delete(handler);
  }

  async reload(): Promise<void> {
    const run = ++this.#run;
    clearTimeout(this.#again);
    this.#fetchedAt = undefined;
    this.#board.setFetch({ loading: true, problem: undefined });
    try {
      await this.#readAll(() => run === this.#run);
    } catch (error) {
      if (run === this.#run) this.#failed(error);
      return;
    }
    if (run === this.#run) this.#catchUp();
  }

  async loadOlder(): Promise<void> {
    const { nextCursor } = this.#board.store.getState();
    if (nextCursor === null || this.#board.store.getState().full) return;
    const run = this.#run;
    this.#board.setFetch({ loading: true, problem: undefined });
    try {
      const page = await this.#source.ended(nextCursor);
      if (run === this.#run) this.#show(page);
    } catch (error) {
      if (run === this.#run) this.#failed(error);
    }
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

  /** Reads all that is open, to the last page, and the latest of what is over. What is in neither is gone. */
  async #readAll(isWanted: () => boolean): Promise<void> {
    let cursor: string | null = null;
    let first: string | undefined;
    do {
      const page: OrderPage = await this.#source.open(cursor);
      if (!isWanted()) return;
      // What changed after the first page is told, whatever the later ones say.
      first ??= page.position;
      this.#board.merge(page.items.filter(isOrder), { missed: true });
      cursor = page.nextCursor;
    } while (cursor !== null);
    const ended = await this.#source.ended(null);
    if (!isWanted()) return;
    this.#board.dropStale(new Set(ended.items.map(({ id }) => id)));
    this.#show(ended);
    this.#findCancelled();
    this.#failures = 0;
    this.#fetchedAt = parsePosition(first);
  }

  /** Those that ended so long ago that the latest do not hold them, and that nobody here has seen. */
  #findCancelled(): void {
    for (const id of this.#board.store.getState().cancelled.keys())
      if (!this.#board.has(id)) this.refresh(id).catch(() => this.#board.acknowledge(id));
  }

  #show({ items, nextCursor }: OrderPage): void {
    this.#board.merge(items.filter(isOrder), { missed: true });
    this.#board.setFetch({ loading: false, nextCursor });
  }

  #ours(id: string, position: Position | undefined, apply: () => void): void {
    if (position !== undefined) {
      this.#together.run(apply);
      return;
    }
    if (this.#asking.has(id)) return;
    this.#asking.add(id);
    this.refresh(id)
      .catch(() => undefined)
      .finally(() => this.#asking.delete(id));
  }

  #failed(error: unknown): void {
    const problem = error instanceof Error ? error : new Problem(0, {});
    this.#board.setFetch({ loading: false, problem });
    const isFinal =
      problem instanceof Problem && problem.status >= 400 && problem.status < 500 && problem.status !== 429;
    if (isFinal) return;
    const [least_ms, most_ms] = AGAIN_AFTER_MS;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => void this.reload(), Math.min(least_ms * 2 ** this.#failures, most_ms));
    this.#failures += 1;
  }
}

// Of an event, what is the order's: its other fields have no place on a card.

function statusIn({ newStatus, paymentStatus, promisedAt, ...heard }: OrderStatusUpdated): Change {
  const { orderId, version, at, actor } = heard;
  const promised = promisedAt === undefined ? {} : { promisedAt };
  return { orderId, version, at, actor, status: newStatus, paymentStatus, ...promised };
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
