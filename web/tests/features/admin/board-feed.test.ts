// @vitest-environment node
import { Live, type Order } from "@ordercast/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Board } from "../../../src/features/admin/board";
import { BoardFeed } from "../../../src/features/admin/board-feed";
import { isOpen } from "../../../src/features/admin/stages";
import { NodeServer } from "../../support/node-server";
import { anOrder } from "../../support/orders";
import { until } from "../../support/until";

/** The shop as it is committed; pages of the board are read from it. */
class Shop {
  orders: Order[] = [];
  seq = 0;
  pagesRead = 0;
  failing = false;
  openOnAPage = 2;
  asked: string[] = [];
  /** Called when a page of open orders has been read, before it is answered. */
  onPage: () => void = () => undefined;

  commit(order: Order): string {
    this.orders = [...this.orders.filter(({ id }) => id !== order.id), order];
    this.seq += 1;
    return `e:${this.seq}.1`;
  }

  readonly source = {
    open: (cursor: string | null) => {
      this.pagesRead += 1;
      if (this.failing) return Promise.reject(new Error("down"));
      const after = Number(cursor ?? 0);
      const found = this.orders.filter(({ status, number }) => isOpen(status) && number > after);
      const items = found.toSorted((a, b) => a.number - b.number).slice(0, this.openOnAPage);
      const nextCursor = found.length > items.length ? String(items.at(-1)?.number) : null;
      const page = { items, nextCursor, position: `e:${this.seq}` };
      this.onPage();
      return Promise.resolve(page);
    },
    ended: (cursor: string | null) => {
      const ended = this.orders.filter(({ status }) => !isOpen(status)).toReversed();
      const items = cursor === null ? ended.slice(0, 2) : ended.slice(2);
      const nextCursor = cursor === null && ended.length > 2 ? "older" : null;
      return Promise.resolve({ items, nextCursor, position: `e:${this.seq}` });
    },
    order: (id: string) => {
      this.asked.push(id);
      const found = this.orders.find((order) => order.id === id);
      return found ? Promise.resolve(found) : Promise.reject(new Error("none"));
    },
  };
}

let server: NodeServer;
let live: Live;
let shop: Shop;
let board: Board;
let feed: BoardFeed;
let stop: () => void;

beforeEach(async () => {
  server = await new NodeServer().start();
  shop = new Shop();
  board = new Board();
  live = new Live({ url: server.url, socket: { reconnectionDelay: 20 } });
  feed = new BoardFeed(board, live, shop.source);
  server.io.on("connection", (socket) => {
    socket.emit("ready", { position: `e:${shop.seq}` }, `e:${shop.seq}`);
  });
});

afterEach(async () => {
  stop();
  live.disconnect();
  await server.stop();
});

const numbers = () => [...board.store.getState().orders.values()].map(({ number }) => number).sort();
const statusOf = (id: string) => board.store.getState().orders.get(id)?.status;

async function watch(): Promise<void> {
  stop = feed.start();
  live.connect();
  await until("ready was heard", () => live.getSnapshot().readyAt);
}

function tellStatus(order: Order, offset: string): void {
  const { id: orderId, number, version, status: newStatus, paymentStatus } = order;
  server.io.emit(
    "orderStatusUpdated",
    {
      id: "evt",
      seq: 1,
      orderId,
      number,
      oldStatus: "pending",
      newStatus,
      paymentStatus,
      version,
      actor: "x",
      reason: null,
      at: "2026-01-05T11:00:00Z",
    },
    offset,
  );
}

describe("the board's feed", () => {
  it("shows the first page, then what is heard", async () => {
    shop.commit(anOrder({ number: 1 }));
    await watch();
    const placed = anOrder({ number: 2 });
    server.io.emit("newOrder", placed, shop.commit(placed));
    await until("both are shown", () => numbers().length === 2);
    const moved = anOrder({ number: 2, version: 2, status: "processing" });
    tellStatus(moved, shop.commit(moved));
    await until("it has moved", () => statusOf("ord_2") === "processing");
  });

  it("reads again what was committed between the page and the socket's rooms", async () => {
    stop = feed.start();
    await until("the page was read", () => !board.store.getState().loading);
    shop.commit(anOrder({ number: 5 }));
    live.connect();
    await until("the order is shown", () => numbers().includes(5));
    expect(shop.pagesRead).toBe(2);
  });

  it("does not read again when nothing was committed in between", async () => {
    shop.commit(anOrder());
    await watch();
    await until("the page was read", () => !board.store.getState().loading);
    expect(shop.pagesRead).toBe(1);
  });

  it("tells of an arrival once, and not of orders already shown", async () => {
    const arrived: number[] = [];
    shop.commit(anOrder({ number: 1 }));
    await watch();
    feed.onArrival(({ number }) => arrived.push(number));
    await until("the page is shown", () => numbers().length === 1);
    server.io.emit("newOrder", anOrder({ number: 1 }), "e:1.1");
    const placed = anOrder({ number: 2 });
    const offset = shop.commit(placed);
    server.io.emit("newOrder", placed, offset);
    server.io.emit("newOrder", placed, offset);
    server.io.emit("newOrder", anOrder({ number: 3 }), "e:9.1");
    await until("the last has come", () => arrived.includes(3));
    expect(arrived).toEqual([2, 3]);
  });

  it("shows all that is open, however many pages that is", async () => {
    shop.openOnAPage = 100;
    for (let number = 1; number <= 1_300; number += 1)
      shop.commit(anOrder({ number, status: number <= 300 ? "processing" : "delivered" }));
    await watch();
    await until("the pages were read", () => !board.store.getState().loading);
    expect(numbers().filter((number) => number <= 300)).toHaveLength(300);
    expect(shop.pagesRead).toBe(3);
  });

  it("shows what is placed and what moves while the pages are read", async () => {
    for (const number of [1, 2, 3]) shop.commit(anOrder({ number }));
    const onTheFirstPage = anOrder({ number: 1, version: 2, status: "processing" });
    const placed = anOrder({ number: 4 });
    shop.onPage = () => {
      shop.onPage = () => undefined;
      shop.commit(onTheFirstPage);
      shop.commit(placed);
    };
    await watch();
    await until("all are shown", () => numbers().join() === "1,2,3,4");
    await until("it has moved", () => statusOf("ord_1") === "processing");
  });

  it("asks the shop about what comes under the name of its events from elsewhere", async () => {
    shop.commit(anOrder({ number: 1 }));
    await watch();
    await until("the page is shown", () => numbers().length === 1);
    server.io.emit("order_update", anOrder({ number: 1, version: 9e15, status: "cancelled" }));
    server.io.emit("newOrder", anOrder({ number: 66 }));
    server.io.emit("newOrder", { id: null });
    const moved = anOrder({ number: 1, version: 2, status: "processing" });
    tellStatus(moved, shop.commit(moved));
    await until("the shop's own has moved it", () => statusOf("ord_1") === "processing");
    await until("both were asked for", () => shop.asked.length === 2);
    expect(shop.asked).toEqual(["ord_1", "ord_66"]);
    expect(numbers()).toEqual([1]);
  });

  it("fetches an order that moves but is on no page that was read", async () => {
    for (const number of [1, 2, 3]) shop.commit(anOrder({ number, status: "delivered" }));
    await watch();
    await until("the page is shown", () => numbers().join() === "2,3");
    const moved = anOrder({ number: 1, version: 2, status: "cancelled" });
    tellStatus(moved, shop.commit(moved));
    await until("it is shown", () => statusOf("ord_1") === "cancelled");
  });

  it("loads older orders that are over when asked", async () => {
    for (const number of [1, 2, 3]) shop.commit(anOrder({ number, status: "delivered" }));
    await watch();
    await until("the page is shown", () => numbers().length === 2);
    await feed.loadOlder();
    expect(numbers()).toEqual([1, 2, 3]);
    expect(board.store.getState().nextCursor).toBeNull();
  });

  it("starts anew when the server tells a gap", async () => {
    shop.commit(anOrder({ number: 1 }));
    shop.commit(anOrder({ number: 2 }));
    await watch();
    await until("both are shown", () => numbers().length === 2);
    shop.orders = [anOrder({ number: 2, status: "processing" }), anOrder({ number: 7 })];
    server.io.emit("resync", { reason: "epoch_changed" });
    await until("it is as the shop is", () => numbers().join() === "2,7");
    expect(statusOf("ord_2")).toBe("processing");
  });

  it("reads the page again by itself when it could not be read", async () => {
    shop.failing = true;
    await watch();
    await until("the problem is shown", () => board.store.getState().problem?.message === "down");
    shop.failing = false;
    shop.commit(anOrder());
    await until("it is shown", () => numbers().length === 1);
    expect(board.store.getState().problem).toBeUndefined();
  });

  it("says when the page cannot be read, and recovers on another try", async () => {
    shop.failing = true;
    await watch();
    await until("the problem is shown", () => board.store.getState().problem?.message === "down");
    shop.failing = false;
    shop.commit(anOrder());
    await feed.reload();
    expect(board.store.getState()).toMatchObject({ problem: undefined, loading: false });
    expect(numbers()).toEqual([1001]);
  });
});
