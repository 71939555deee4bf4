// @vitest-environment node
import { Live, type Order } from "@ordercast/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Board } from "../../../src/features/admin/board";
import { BoardFeed } from "../../../src/features/admin/board-feed";
import { NodeServer } from "../../support/node-server";
import { anOrder } from "../../support/orders";
import { until } from "../../support/until";

/** The shop as it is committed; a page of the board is read from it. */
class Shop {
  orders: Order[] = [];
  seq = 0;
  pagesRead = 0;
  failing = false;

  commit(order: Order): string {
    this.orders = [...this.orders.filter(({ id }) => id !== order.id), order];
    this.seq += 1;
    return `e:${this.seq}.1`;
  }

  readonly source = {
    page: (cursor: string | null) => {
      this.pagesRead += 1;
      if (this.failing) return Promise.reject(new Error("down"));
      const items = cursor === null ? this.orders.slice(-2) : this.orders.slice(0, -2);
      const nextCursor = cursor === null && this.orders.length > 2 ? "older" : null;
      return Promise.resolve({ items, nextCursor, position: `e:${this.seq}` });
    },
    order: (id: string) => {
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

  it("fetches an order that moves but is not on the page", async () => {
    for (const number of [1, 2, 3]) shop.commit(anOrder({ number }));
    await watch();
    await until("the page is shown", () => numbers().length === 2);
    const moved = anOrder({ number: 1, version: 2, status: "cancelled" });
    tellStatus(moved, shop.commit(moved));
    await until("it is shown", () => statusOf("ord_1") === "cancelled");
  });

  it("loads older orders when asked", async () => {
    for (const number of [1, 2, 3]) shop.commit(anOrder({ number }));
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
