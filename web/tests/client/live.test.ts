// @vitest-environment node
import type { Socket as ServerSocket } from "socket.io";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CommandRefused, Live, type LiveOptions } from "../../client/src";
import { NodeServer } from "../support/node-server";
import { anOrder } from "../support/orders";
import { until } from "../support/until";

let server: NodeServer;
const lives: Live[] = [];

beforeEach(async () => {
  server = await new NodeServer().start();
});

afterEach(async () => {
  for (const live of lives.splice(0)) live.disconnect();
  await server.stop();
});

function connect(options: LiveOptions = {}): Live {
  const live = new Live({
    url: server.url,
    ...options,
    socket: { reconnectionDelay: 20, ...options.socket },
  });
  lives.push(live);
  live.connect();
  return live;
}

const connected = (live: Live) =>
  until("it is connected", () => live.getSnapshot().state === "connected" && live.getSnapshot());

async function serverSide(): Promise<ServerSocket> {
  return until("the server has a socket", () => [...server.io.sockets.sockets.values()][0]);
}

/** Breaks the connection as a lost network would: neither side has said goodbye. */
async function breakLine(): Promise<void> {
  (await serverSide()).conn.close();
}

describe("the state of a connection", () => {
  it("goes from disconnected over connecting to connected, and back when asked", async () => {
    const live = new Live({ url: server.url });
    lives.push(live);
    expect(live.getSnapshot().state).toBe("disconnected");
    live.connect();
    expect(live.getSnapshot().state).toBe("connecting");
    const { socketId } = await connected(live);
    expect(socketId).toBe((await serverSide()).id);
    live.disconnect();
    expect(live.getSnapshot()).toMatchObject({
      state: "disconnected",
      socketId: undefined,
      problem: undefined,
    });
  });

  it("shows the upgrade from polling to WebSocket", async () => {
    const live = connect();
    const seen = new Set<string | undefined>();
    live.subscribe(() => seen.add(live.getSnapshot().transport));
    await until("it is upgraded", () => live.getSnapshot().transport === "websocket");
    expect(seen).toContain("polling");
  });

  it("is connecting while a lost line is tried again, and connected afterwards", async () => {
    const live = connect();
    await connected(live);
    const states: string[] = [];
    live.subscribe(() => states.push(live.getSnapshot().state));
    await breakLine();
    await until(
      "it came back",
      () => states.includes("connecting") && live.getSnapshot().state === "connected",
    );
  });

  it("is disconnected, with the server's code, when the token is refused", async () => {
    server.io.use((socket, next) => {
      const error = Object.assign(new Error("The token has expired."), { data: { code: "token_expired" } });
      next(socket.handshake.auth["token"] === "good" ? undefined : error);
    });
    const live = connect({ token: "bad" });
    const problem = await until("it is refused", () => live.getSnapshot().problem);
    expect(problem).toEqual({ code: "token_expired", message: "The token has expired." });
    expect(live.getSnapshot().state).toBe("disconnected");
    await connected(connect({ token: "good" }));
  });

  it("keeps what the server said before it ended the connection", async () => {
    const live = connect();
    await connected(live);
    const socket = await serverSide();
    socket.emit("auth_expired", { code: "token_expired", message: "Log in again." });
    socket.disconnect(true);
    await until("it has ended", () => live.getSnapshot().state === "disconnected");
    expect(live.getSnapshot().problem).toEqual({ code: "token_expired", message: "Log in again." });
  });

  it("is told only when something changed", async () => {
    const live = connect({ socket: { transports: ["websocket"] } });
    await connected(live);
    let told = 0;
    live.subscribe(() => told++);
    (await serverSide()).emit("ready", { position: "e:1" }, "e:1");
    (await serverSide()).emit("auth_expiring", { expiresAt: 1, expiresInSeconds: 1 });
    await until("ready was heard", () => live.getSnapshot().readyAt);
    expect(told).toBe(1);
  });
});

describe("events", () => {
  it("arrive typed, in order, and once each", async () => {
    const live = connect();
    const numbers: number[] = [];
    live.on("newOrder", (order) => numbers.push(order.number));
    await connected(live);
    const socket = await serverSide();
    for (const [number, offset] of [
      [1, "e:1.1"],
      [1, "e:1.1"],
      [2, "e:2.1"],
      [1, "e:1.1"],
      [3, "e:3.1"],
    ] as const) {
      socket.emit("newOrder", anOrder({ number }), offset);
    }
    await until("the last has come", () => numbers.includes(3));
    expect(numbers).toEqual([1, 2, 3]);
  });

  it("end with the function that `on` answered", async () => {
    const live = connect();
    const numbers: number[] = [];
    const stop = live.on("newOrder", (order) => numbers.push(order.number));
    const all: unknown[] = [];
    live.onAny((name, args) => all.push([name, args]));
    await connected(live);
    const socket = await serverSide();
    socket.emit("newOrder", anOrder({ number: 1 }), "e:1");
    await until("the first has come", () => numbers.length === 1);
    stop();
    socket.emit("newOrder", anOrder({ number: 2 }), "e:2");
    await until("the second has come", () => all.length === 2);
    expect(numbers).toEqual([1]);
  });

  it("missed while the line was broken arrive when it is back, and that is no gap", async () => {
    await server.stop();
    server = await new NodeServer({ connectionStateRecovery: {} }).start();
    const live = connect();
    const numbers: number[] = [];
    const gaps: string[] = [];
    live.on("newOrder", (order) => numbers.push(order.number));
    live.onGap((reason) => gaps.push(reason));
    await connected(live);
    const socket = await serverSide();
    await socket.join("store-owners");
    server.io.to("store-owners").emit("newOrder", anOrder({ number: 1 }));
    await until("the first has come", () => numbers.length === 1);
    await breakLine();
    server.io.to("store-owners").emit("newOrder", anOrder({ number: 2 }));
    await until("the second has come", () => numbers.length === 2);
    expect(numbers).toEqual([1, 2]);
    expect(live.getSnapshot().recovered).toBe(true);
    expect(gaps).toEqual([]);
  });
});

describe("a gap is told", () => {
  it("with the server's reason", async () => {
    const live = connect();
    const gaps: string[] = [];
    live.onGap((reason) => gaps.push(reason));
    await connected(live);
    (await serverSide()).emit("resync", { reason: "too_old" });
    await until("the gap is told", () => gaps.length > 0);
    expect(gaps).toEqual(["too_old"]);
  });

  it("when the session could not be taken up again", async () => {
    const live = connect();
    const gaps: string[] = [];
    live.onGap((reason) => gaps.push(reason));
    await connected(live);
    expect(gaps).toEqual([]);
    await breakLine();
    await until("the gap is told", () => gaps.length > 0);
    expect(gaps).toEqual(["reconnected"]);
  });
});

describe("a command", () => {
  beforeEach(() => {
    server.io.on("connection", (socket) => {
      socket.on("echo", (...args: unknown[]) => (args.pop() as (...answer: unknown[]) => void)(...args));
      socket.on("watch_order", ({ orderId }: { orderId: string }, ack: (answer: unknown) => void) =>
        ack(
          orderId === "ord_1"
            ? { data: { order: { id: orderId }, position: "e:7" }, error: null }
            : { data: null, error: { code: "not_found", message: "No.", more: 1 } },
        ),
      );
      socket.on("unwatch_order", (_: unknown, ack: (...answer: unknown[]) => void) =>
        ack(null, { orderId: "" }),
      );
    });
  });

  it("resolves with the data of its ack, and an echo with all that was sent", async () => {
    const live = connect();
    expect(await live.command("watch_order", { orderId: "ord_1" })).toEqual({
      order: { id: "ord_1" },
      position: "e:7",
    });
    expect(await live.ask("echo", 1, "two", [3])).toEqual([1, "two", [3]]);
  });

  it("is rejected with the server's code, sentence and whole answer", async () => {
    const refusal: unknown = await connect()
      .command("watch_order", { orderId: "ord_2" })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CommandRefused);
    expect(refusal).toMatchObject({ code: "not_found", message: "No.", answer: { more: 1 } });
  });

  it("is rejected by an ack of another shape, which is never taken for a result", async () => {
    await expect(connect().command("unwatch_order", { orderId: "ord_1" })).rejects.toMatchObject({
      code: "ack_malformed",
    });
  });
});

describe("a payload that is not what its event promises", () => {
  beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
  afterEach(() => vi.restoreAllMocks());

  it("is said to the console and left out, and the next event is heard", async () => {
    const live = connect();
    await connected(live);
    const heard: unknown[] = [];
    live.on("newOrder", (order) => heard.push(order.id));
    const socket = await serverSide();
    for (const [index, bad] of [{ _id: "665f", items: [] }, null, undefined, 5, "x", []].entries())
      socket.emit("newOrder", bad, `abc:${index + 1}`);
    socket.emit("newOrder", anOrder(), "abc:9");
    await until("the order is heard", () => heard.length > 0);
    expect(heard).toEqual([anOrder().id]);
    expect(console.error).toHaveBeenCalledTimes(6);
  });

  it("costs no connection and no gap, even where it speaks of the connection itself", async () => {
    const live = connect();
    await connected(live);
    const gaps: string[] = [];
    live.onGap((reason) => gaps.push(reason));
    const socket = await serverSide();
    socket.emit("ready", null);
    socket.emit("ready", { position: "nowhere" });
    socket.emit("resync");
    await until("the gap is told", () => gaps.length > 0);
    expect(gaps).toEqual(["resync"]);
    expect(live.getSnapshot()).toMatchObject({ state: "connected", readyAt: undefined });
  });

  it("keeps no other handler from hearing, where one of them throws", async () => {
    const live = connect();
    await connected(live);
    const heard: string[] = [];
    live.on("newOrder", () => {
      throw new Error("no");
    });
    live.on("newOrder", (order) => heard.push(order.id));
    (await serverSide()).emit("newOrder", anOrder(), "abc:1");
    await until("it is heard", () => heard.length > 0);
    expect(console.error).toHaveBeenCalledOnce();
  });
});
