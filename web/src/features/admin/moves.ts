import type { Live, Order, Status } from "@ordercast/client";
import type { HistoryEntry } from "../../api/orders";
import { Problem } from "../../api/problem";
import type { Board, Outcome, PendingMove } from "./board";

/** What moves are done with. */
export interface MoveDoors {
  /** Asks the server for one move. With `leaving` the answer is for nobody: the page is about to go. */
  send: (move: PendingMove, options: { leaving: boolean }) => Promise<Order>;
  /** The order as it stands now, and all that happened to it. */
  look: (id: string) => Promise<{ order: Order; history: HistoryEntry[] }>;
  /** Who works here. */
  userId: string;
}

/** Where moves outlive a reload: of this tab alone, so that no other sends them too. */
export type MoveStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** How long to wait before a move that was not answered is sent again: twice as long each time, to the second. */
const AGAIN_AFTER_MS = [1_000, 15_000] as const;
/** What was pressed longer ago is not what anybody wants any more. */
const KEPT_FOR_MS = 12 * 3_600_000;

/**
 * The moves pressed on this board: shown at once, sent once they can no longer be taken back, and sent again until they
 * are answered.
 *
 * What is down does not matter. A move without an answer waits, is shown as waiting, and is sent again when there may be a
 * connection; done twice it changes nothing, for it names the version that it was pressed on. A page that goes sends what
 * is left at once. If somebody else moves the order meanwhile, the press is dropped, and its card says who it was.
 */
export class Moves {
  readonly #board: Board;
  readonly #doors: MoveDoors;
  readonly #undo_ms: () => number;
  readonly #storage: MoveStorage;
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #failures = 0;
  #stopped = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(board: Board, doors: MoveDoors, undo_ms: () => number, storage: MoveStorage) {
    this.#board = board;
    this.#doors = doors;
    this.#undo_ms = undo_ms;
    this.#storage = storage;
  }

  /** Watches the board, the connection and the page until the returned function is called, which sends what is left. */
  start(live: Live): () => void {
    this.#stopped = false;
    const again = () => this.#sendWaiting();
    const leave = () => this.#leave();
    const stops = [
      this.#board.store.subscribe(({ orders }, before) => {
        if (orders !== before.orders) this.#settleWithBoard();
      }),
      live.on("ready", again),
    ];
    addEventListener("online", again);
    addEventListener("pagehide", leave);
    this.#takeUp();
    return () => {
      for (const stop of stops) stop();
      removeEventListener("online", again);
      removeEventListener("pagehide", leave);
      // What is not answered now is sent by the next board of this tab.
      this.#stopped = true;
      clearTimeout(this.#again);
      for (const id of this.#board.store.getState().moves.keys()) void this.sendNow(id);
    };
  }

  /** Moves an order, after whatever was pressed on it before; accepted, it will be ready in so many `minutes`. */
  press(id: string, to: Status, reason?: string, minutes?: number | null): void {
    const { orders } = this.#board.store.getState();
    const order = orders.get(id);
    if (order === undefined) return;
    this.#board.setOutcome(id, undefined);
    const queue = this.#queue(id);
    const move: PendingMove = {
      orderId: id,
      number: order.number,
      from: queue.at(-1)?.to ?? order.status,
      to,
      reason,
      ...(minutes != null && { minutes }),
      version: order.version,
      pressedAt: new Date().toISOString(),
      state: "undoable",
    };
    this.#setQueue(id, [...queue, move]);
    // Who goes on with an order means what was pressed before.
    if (queue.length > 0) void this.sendNow(id, queue.length);
    if (this.#undo_ms() === 0) void this.sendNow(id);
    else this.#startTimer(id);
  }

  /** Takes back what was pressed last on an order, unless it has been sent. */
  undo(id: string): void {
    const queue = this.#queue(id);
    if (queue.at(-1)?.state === "sending") return;
    this.#stopTimer(id);
    this.#setQueue(id, queue.slice(0, -1));
  }

  /** Sends the first moves of an order, all where no number is given, without waiting any longer. */
  async sendNow(id: string, count = Infinity): Promise<void> {
    const due = this.#queue(id).map((move, index) =>
      index < count && move.state === "undoable" ? { ...move, state: "waiting" as const } : move,
    );
    if (due.at(-1)?.state !== "undoable") this.#stopTimer(id);
    this.#setQueue(id, due);
    await this.#send(id);
  }

  // Steps

  /** Sends what is due of an order; whoever comes second waits for the same end. */
  async #send(id: string): Promise<void> {
    if (!this.#running.has(id) && this.#queue(id)[0]?.state === "waiting")
      this.#running.set(id, this.#sendDue(id));
    await this.#running.get(id);
  }

  /** One after the other, each on the version that the one before has made. */
  async #sendDue(id: string): Promise<void> {
    try {
      for (;;) {
        const [move, ...rest] = this.#queue(id);
        if (move?.state !== "waiting") return;
        const sending = { ...move, state: "sending" as const };
        this.#setQueue(id, [sending, ...rest]);
        try {
          this.#done(id, await this.#doors.send(sending, { leaving: false }));
        } catch (error) {
          const problem = error instanceof Error ? error : new Error(String(error));
          if (!(await this.#isSettled(id, problem))) return;
        }
      }
    } finally {
      this.#running.delete(id);
    }
  }

  #done(id: string, order: Order): void {
    this.#failures = 0;
    const rest = this.#queue(id).slice(1);
    // First the order, so that its card does not go back and forth.
    this.#board.merge([order]);
    this.#setQueue(
      id,
      rest.map((move) => ({ ...move, version: order.version })),
    );
  }

  /** Whether the move is done with, because the server will never take it; if not, it is sent again. */
  async #isSettled(id: string, error: Error): Promise<boolean> {
    const [move, ...rest] = this.#queue(id);
    if (move === undefined) return true;
    if (mayPass(error)) {
      this.#setQueue(id, [{ ...move, state: "waiting" }, ...rest]);
      this.#sendAgainLater();
      return false;
    }
    const isConflict = error instanceof Problem && error.status === 409;
    const outcome = isConflict ? await this.#explain(move).catch(() => error) : error;
    this.#drop(id, outcome);
    return true;
  }

  /** Somebody was quicker: shows the order as it stands, and finds out who. It may have been this very move. */
  async #explain({ orderId, to, version }: PendingMove): Promise<Outcome | undefined> {
    const { order, history } = await this.#doors.look(orderId);
    this.#board.merge([order]);
    const next = history.find((entry) => entry.version > version && entry.fromStatus !== entry.toStatus);
    if (next?.toStatus === to && next.actor.endsWith(`:${this.#doors.userId}`)) return undefined;
    return { order, last: history.at(-1) };
  }

  #drop(id: string, outcome: Outcome | undefined): void {
    this.#stopTimer(id);
    this.#setQueue(id, []);
    this.#board.setOutcome(id, outcome);
  }

  /** Compares what waits with what was heard: done already, overtaken, or to be done on a newer version. */
  #settleWithBoard(): void {
    const { orders, moves } = this.#board.store.getState();
    for (const [id, [move, ...rest]] of moves) {
      const order = orders.get(id);
      if (move === undefined || move.state === "sending" || order === undefined) continue;
      if (order.version === move.version) continue;
      if (order.status === move.from) this.#setQueue(id, [{ ...move, version: order.version }, ...rest]);
      else if (order.status === move.to)
        this.#setQueue(
          id,
          rest.map((next) => ({ ...next, version: order.version })),
        );
      else {
        this.#drop(id, { order, last: undefined });
        this.#explain(move)
          .then((outcome) => this.#board.setOutcome(id, outcome))
          .catch(() => undefined);
      }
    }
  }

  #sendWaiting(): void {
    for (const id of this.#board.store.getState().moves.keys()) void this.#send(id);
  }

  #sendAgainLater(): void {
    clearTimeout(this.#again);
    if (this.#stopped) return;
    const [least_ms, most_ms] = AGAIN_AFTER_MS;
    this.#again = setTimeout(() => this.#sendWaiting(), Math.min(least_ms * 2 ** this.#failures, most_ms));
    this.#failures += 1;
  }

  #leave(): void {
    for (const [move] of this.#board.store.getState().moves.values())
      if (move !== undefined && move.state !== "sending")
        this.#doors.send(move, { leaving: true }).catch(() => undefined);
  }

  #startTimer(id: string): void {
    this.#stopTimer(id);
    this.#timers.set(
      id,
      setTimeout(() => void this.sendNow(id), this.#undo_ms()),
    );
  }

  #stopTimer(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  // What is kept

  #queue(id: string): readonly PendingMove[] {
    return this.#board.store.getState().moves.get(id) ?? [];
  }

  #setQueue(id: string, queue: readonly PendingMove[]): void {
    this.#board.setMoves(id, queue);
    const all = [...this.#board.store.getState().moves.values()].flat();
    if (all.length === 0) this.#storage.removeItem(this.#key);
    else this.#storage.setItem(this.#key, JSON.stringify(all));
  }

  get #key(): string {
    return `ordercast.moves.${this.#doors.userId}`;
  }

  /** What a page before this one has left: sent or not, it is sent. */
  #takeUp(): void {
    const since = new Date(Date.now() - KEPT_FOR_MS).toISOString();
    const left = readMoves(this.#storage.getItem(this.#key)).filter(({ pressedAt }) => pressedAt > since);
    for (const move of left)
      this.#setQueue(move.orderId, [...this.#queue(move.orderId), { ...move, state: "waiting" }]);
    this.#sendWaiting();
  }
}

/** Whether the same may be taken in a while: nothing was answered, or that it is not possible now. */
function mayPass(error: Error): boolean {
  if (!(error instanceof Problem)) return true;
  return error.unreachable || error.status >= 500 || [401, 408, 425, 429].includes(error.status);
}

function readMoves(text: string | null): PendingMove[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? (found as PendingMove[]) : [];
  } catch {
    return [];
  }
}
