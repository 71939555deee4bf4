// @vitest-environment node
import { beforeEach, describe, expect, it } from "vitest";
import { Board, ENDED_MAX } from "../../../src/features/admin/board";
import { CardHeights } from "../../../src/features/admin/card-heights";
import { byStage, listed, stageOf } from "../../../src/features/admin/stages";
import { still } from "../../../src/features/admin/use-still";
import { anOrder } from "../../support/orders";

let board: Board;

beforeEach(() => {
  board = new Board();
});

const shown = (id: string) => board.store.getState().orders.get(id);
const ids = () => [...board.store.getState().orders.keys()];

describe("the board", () => {
  it("takes the newer version, whichever comes first", () => {
    const older = anOrder({ version: 1 });
    const newer = anOrder({ version: 2, status: "processing" });
    board.merge([newer]);
    board.merge([older]);
    expect(shown(older.id)).toEqual(newer);
    board.merge([anOrder({ version: 3, status: "on_hold" })]);
    expect(shown(older.id)?.status).toBe("on_hold");
  });

  it("applies a change to an order it shows, and no outdated one", () => {
    board.merge([anOrder({ version: 2 })]);
    board.change({ orderId: "ord_1001", version: 3, at: "2026-01-05T10:01:00Z", status: "processing" });
    board.change({ orderId: "ord_1001", version: 2, at: "2026-01-05T10:00:30Z", status: "rejected" });
    board.change({ orderId: "ord_9", version: 1, at: "2026-01-05T10:00:30Z", status: "rejected" });
    expect(shown("ord_1001")).toMatchObject({
      status: "processing",
      version: 3,
      updatedAt: "2026-01-05T10:01:00Z",
    });
    expect(ids()).toEqual(["ord_1001"]);
  });

  it("takes both halves of one change that is told as two events", () => {
    board.merge([anOrder()]);
    const at = "2026-01-05T10:01:00Z";
    board.change({ orderId: "ord_1001", version: 2, at, status: "cancelled" });
    board.change({ orderId: "ord_1001", version: 2, at, paymentStatus: "voided" });
    expect(shown("ord_1001")).toMatchObject({ status: "cancelled", paymentStatus: "voided" });
  });

  it("remembers where a held order came from, until it goes on", () => {
    board.merge([anOrder({ status: "processing" })]);
    board.change({ orderId: "ord_1001", version: 2, at: "", status: "on_hold" });
    board.change({ orderId: "ord_1001", version: 3, at: "", paymentStatus: "paid" });
    expect(shown("ord_1001")?.heldFrom).toBe("processing");
    board.change({ orderId: "ord_1001", version: 4, at: "", status: "processing" });
    expect(shown("ord_1001")?.heldFrom).toBeNull();
  });

  it("after a gap, believes a lower version and drops what no longer exists", () => {
    board.merge([anOrder({ number: 1, version: 7 }), anOrder({ number: 2 })]);
    board.markAllStale();
    board.arrive(anOrder({ number: 3 }));
    board.merge([anOrder({ number: 1, version: 2 })]);
    board.dropStale();
    expect(ids().sort()).toEqual(["ord_1", "ord_3"]);
    expect(shown("ord_1")?.version).toBe(2);
  });

  it("keeps all that is open, and of what is over the latest", () => {
    const at = (number: number) => new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
    const open = Array.from({ length: 300 }, (_, n) => anOrder({ number: n + 1, createdAt: at(n) }));
    const over = Array.from({ length: 1_000 }, (_, n) =>
      anOrder({ number: 301 + n, status: "delivered", createdAt: at(500), updatedAt: at(1_000 + n) }),
    );
    board.merge([...over, ...open]);
    expect(ids()).toHaveLength(300 + ENDED_MAX);
    expect(open.every(({ id }) => board.has(id))).toBe(true);
    expect(shown(`ord_${1_300 - ENDED_MAX}`)).toBeUndefined();
    expect(shown("ord_1300")).toBeDefined();
  });

  it("points out an arrival until it has been seen", () => {
    board.arrive(anOrder());
    expect(board.store.getState().fresh).toEqual(new Set(["ord_1001"]));
    board.seen("ord_1001");
    expect(board.store.getState().fresh.size).toBe(0);
  });
});

describe("what is listed", () => {
  const orders = [
    anOrder({ number: 1, createdAt: "2026-01-05T10:00:00Z" }),
    anOrder({ number: 2, createdAt: "2026-01-05T11:00:00Z" }),
    anOrder({
      number: 3,
      status: "ready_for_pickup",
      customerInfo: { name: null, email: null, mobile: "+8801555" },
    }),
  ];

  const stages = byStage(orders, ({ status }) => stageOf(status));

  it("stands by stage, what waits longest on top", () => {
    const shown = listed(stages, { stage: "all", words: "" });
    expect(shown.map(({ stage }) => stage)).toEqual(["new", "preparing", "ready", "moving", "held", "done"]);
    expect(shown[0]?.orders.map(({ number }) => number)).toEqual([1, 2]);
    expect(shown[2]?.orders.map(({ number }) => number)).toEqual([3]);
  });

  it("is one stage where one is chosen", () => {
    expect(listed(stages, { stage: "ready", words: "" }).map(({ stage }) => stage)).toEqual(["ready"]);
  });

  it.each([
    ["ASHA", [1, 2]],
    ["1555", [3]],
    ["#2", [2]],
    ["#২", [2]],
    ["masala", [1, 2, 3]],
    ["dhaka", [1, 2, 3]],
    ["nobody", []],
  ])("is found by %s", (words, numbers) => {
    const found = listed(stages, { stage: "all", words }).flatMap((stage) => stage.orders);
    expect(found.map(({ number }) => number)).toEqual(numbers);
  });
});

describe("a search that finds what it found a key earlier", () => {
  it("gives the same lists", () => {
    const orders = [anOrder({ number: 1 }), anOrder({ number: 20 })];
    const stages = byStage(orders, ({ status }) => stageOf(status));
    const before = listed(stages, { stage: "all", words: "#2" });
    const after = listed(stages, { stage: "all", words: "#20" }, before);
    expect(after.map((each) => each.orders)).toEqual(before.map((each) => each.orders));
    after.forEach((each, index) => expect(each.orders).toBe(before[index]?.orders));
  });
});

describe("a card's height", () => {
  const known = anOrder({ number: 1 });
  const alike = anOrder({ number: 2 });

  it("is expected to be that of the last one like it", () => {
    const heights = new CardHeights();
    heights.measured(known, 412);
    expect(heights.expected(alike, false)).toBe(412);
    expect(heights.expected(anOrder({ number: 3, fulfilment: "pickup" }), false)).not.toBe(412);
  });

  it("stays as expected above what is looked at", () => {
    const heights = new CardHeights();
    const before = heights.expected(alike, false);
    heights.measured(known, 412);
    expect(heights.expected(alike, true)).toBe(before);
    expect(heights.expected(alike, false)).toBe(412);
  });
});

describe("a column that is pointed at", () => {
  const order = (number: number) => anOrder({ number });

  it("keeps the place of what leaves, and lets in at its end alone", () => {
    const { places, waiting } = still([order(2), order(4)], [order(1), order(3), order(4), order(5)]);
    expect(places.map(({ order, gone }) => [order.number, gone])).toEqual([
      [2, true],
      [4, false],
      [5, false],
    ]);
    expect(waiting).toBe(2);
  });

  it("takes everything in where nothing stood", () => {
    expect(still([], [order(1), order(2)])).toMatchObject({ waiting: 0, places: { length: 2 } });
  });
});
