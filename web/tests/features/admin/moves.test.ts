import { Live, type Order } from "@ordercast/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../../../src/api/problem";
import { Board, type PendingMove } from "../../../src/features/admin/board";
import { Moves } from "../../../src/features/admin/moves";
import { anOrder } from "../../support/orders";

const UNDO_MS = 8_000;
let board: Board;
let moves: Moves;
let stop: () => void;
let sent: (PendingMove & { leaving: boolean })[];
/** How the shop answers; until it is told otherwise, by doing what it is asked. */
let answer: (move: PendingMove) => Promise<Order>;
let standing: Order;
let storage: Map<string, string>;

const done = ({ to, version }: PendingMove) => {
  standing = anOrder({ status: to, version: version + 1 });
  return Promise.resolve(standing);
};

const begin = () => {
  const doors = {
    userId: "usr_1",
    send: (move: PendingMove, { leaving }: { leaving: boolean }) => {
      sent.push({ ...move, leaving });
      return answer(move);
    },
    look: () =>
      Promise.resolve({
        order: standing,
        history: [
          {
            version: standing.version,
            fromStatus: "pending" as const,
            toStatus: standing.status,
            fromPaymentStatus: "unpaid" as const,
            toPaymentStatus: "unpaid" as const,
            actor: "store:usr_2",
            actorName: "Nadia",
            reason: null,
            at: "2026-01-05T10:01:00Z",
          },
        ],
      }),
  };
  const kept = {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  };
  moves = new Moves(board, doors, () => UNDO_MS, kept);
  stop = moves.start(new Live());
};

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  storage = new Map();
  answer = done;
  board = new Board();
  standing = anOrder();
  board.merge([standing]);
  begin();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

const shown = () => Object.entries(board.store.getState().stages).find(([, orders]) => orders.length > 0);
const stage = () => shown()?.[0];
const status = () => shown()?.[1][0]?.status;
const outcome = () => board.store.getState().outcomes.get("ord_1001");
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a move", () => {
  it("is shown at once, and sent when it can no longer be taken back", async () => {
    moves.press("ord_1001", "processing");
    expect([stage(), status()]).toEqual(["preparing", "processing"]);
    await pass(UNDO_MS - 1);
    expect(sent).toEqual([]);
    await pass(1);
    expect(sent).toMatchObject([{ to: "processing", version: 1, leaving: false }]);
    expect(board.store.getState().moves.size).toBe(0);
    expect(board.store.getState().orders.get("ord_1001")).toEqual(standing);
  });

  it("is taken back as if it had never been pressed", async () => {
    moves.press("ord_1001", "processing");
    moves.undo("ord_1001");
    expect(stage()).toBe("new");
    await pass(2 * UNDO_MS);
    expect(sent).toEqual([]);
    expect(storage.size).toBe(0);
  });

  it("sends the one before it, and goes on from the version that this has made", async () => {
    moves.press("ord_1001", "processing");
    moves.press("ord_1001", "ready_for_pickup");
    await pass(0);
    expect(sent.map(({ to, version }) => [to, version])).toEqual([["processing", 1]]);
    expect(status()).toBe("ready_for_pickup");
    await pass(UNDO_MS);
    expect(sent.map(({ to, version }) => [to, version])).toEqual([
      ["processing", 1],
      ["ready_for_pickup", 2],
    ]);
  });

  it("is sent at once by a page that goes", () => {
    moves.press("ord_1001", "processing");
    window.dispatchEvent(new Event("pagehide"));
    expect(sent).toMatchObject([{ to: "processing", leaving: true }]);
  });
});

describe("a move without an answer", () => {
  it.each([
    ["no network", new Problem(0, {})],
    ["no server", new Problem(502, {})],
    ["no database", new Problem(503, {})],
    ["a token that ran out", new Problem(401, {})],
  ])("waits, is shown as waiting, and is sent again: %s", async (_, problem) => {
    answer = () => Promise.reject(problem);
    moves.press("ord_1001", "processing");
    await pass(UNDO_MS);
    expect(board.store.getState().moves.get("ord_1001")).toMatchObject([{ state: "waiting" }]);
    expect(outcome()).toBeUndefined();
    answer = done;
    window.dispatchEvent(new Event("online"));
    await pass(0);
    expect(sent).toHaveLength(2);
    expect(board.store.getState().orders.get("ord_1001")?.status).toBe("processing");
    await pass(10 * UNDO_MS);
    expect(sent).toHaveLength(2);
  });

  it("outlives a reload", async () => {
    answer = () => Promise.reject(new Problem(0, {}));
    moves.press("ord_1001", "processing");
    await pass(UNDO_MS);
    stop();
    await pass(0);
    sent = [];
    answer = done;
    board = new Board();
    begin();
    await pass(0);
    expect(sent).toMatchObject([{ to: "processing", version: 1 }]);
  });
});

describe("a move that somebody else has overtaken", () => {
  it("is dropped as soon as that is heard, and says who it was", async () => {
    moves.press("ord_1001", "processing");
    standing = anOrder({ status: "cancelled", version: 2 });
    const at = "2026-01-05T10:01:00Z";
    board.change({ orderId: "ord_1001", version: 2, at, actor: "store:usr_2", status: "cancelled" });
    await pass(0);
    expect(status()).toBe("cancelled");
    expect(outcome()).toMatchObject({ order: standing, last: { actorName: "Nadia" } });
    await pass(UNDO_MS);
    expect(sent).toEqual([]);
  });

  it("is dropped where the shop refuses it, and says who it was", async () => {
    answer = () => {
      standing = anOrder({ status: "rejected", version: 2 });
      return Promise.reject(new Problem(409, { title: "Stale" }));
    };
    moves.press("ord_1001", "processing");
    await pass(UNDO_MS);
    expect(outcome()).toMatchObject({ order: { status: "rejected" }, last: { actorName: "Nadia" } });
    expect(board.store.getState().moves.size).toBe(0);
  });

  it("goes on where only the payment has changed, on the newer version", async () => {
    moves.press("ord_1001", "processing");
    board.change({ orderId: "ord_1001", version: 2, at: "2026-01-05T10:01:00Z", paymentStatus: "paid" });
    await pass(UNDO_MS);
    expect(sent).toMatchObject([{ to: "processing", version: 2 }]);
  });

  it("is done already where the order has become what was wanted", async () => {
    moves.press("ord_1001", "processing");
    board.change({ orderId: "ord_1001", version: 2, at: "2026-01-05T10:01:00Z", status: "processing" });
    await pass(UNDO_MS);
    expect(sent).toEqual([]);
    expect(outcome()).toBeUndefined();
  });
});

describe("an order that its buyer cancels", () => {
  const cancel = (actor: string) =>
    board.change({
      orderId: "ord_1001",
      version: 2,
      at: "2026-01-05T10:01:00Z",
      actor,
      status: "cancelled",
    });

  it("stays where it was until somebody has seen it", () => {
    cancel("guest");
    expect([stage(), status()]).toEqual(["new", "cancelled"]);
    board.acknowledge("ord_1001");
    expect(stage()).toBe("done");
  });

  it("is simply over where the shop has done it", () => {
    cancel("store:usr_2");
    expect(stage()).toBe("done");
  });

  it("stays too where it was cancelled while nothing was heard", () => {
    board.markAllStale();
    board.merge([anOrder({ status: "cancelled", version: 2 })], { missed: true });
    expect([stage(), status()]).toEqual(["new", "cancelled"]);
  });
});
