import { Live } from "@ordercast/client";
import { afterEach, beforeEach, expect, it } from "vitest";
import { useOutbox } from "../../../src/features/chat/outbox";
import { Sender } from "../../../src/features/chat/sender";
import { NodeServer } from "../../support/node-server";
import { until } from "../../support/until";

interface Sent {
  text: string;
  clientId: string;
}
type Ack = (answer: unknown) => void;

let server: NodeServer;
let live: Live;
let heard: Sent[];
/** What the server does with a message; by itself it takes it. */
let answer: (sent: Sent, ack: Ack) => void;
let stop: () => void;

const write = (text: string, writer = "usr_1") =>
  useOutbox.getState().add({ conversationId: "cnv_1", writer, text });
const waiting = () => useOutbox.getState().waiting;

beforeEach(async () => {
  useOutbox.setState({ waiting: [] });
  heard = [];
  answer = (sent, ack) => ack({ data: { ...sent, position: heard.length }, error: null });
  server = await new NodeServer().start();
  server.io.on("connection", (socket) => {
    socket.on("send_message", (sent: Sent, ack: Ack) => {
      heard.push(sent);
      answer(sent, ack);
    });
  });
  live = new Live({ url: server.url, socket: { reconnectionDelay: 10 } });
  stop = new Sender(live, "usr_1").start();
});

afterEach(async () => {
  stop();
  live.disconnect();
  await server.stop();
});

it("sends what was written without a connection in its order, when there is one", async () => {
  ["one", "two", "three"].forEach((text) => write(text));
  expect(waiting()).toHaveLength(3);
  live.connect();
  await until("all is sent", () => waiting().length === 0);
  expect(heard.map(({ text }) => text)).toEqual(["one", "two", "three"]);
});

it("sends one whose answer was lost again under the same client id, and the next one behind it", async () => {
  answer = (sent, ack) => {
    // As a lost network would: neither side has said goodbye.
    if (heard.length === 1) for (const socket of server.io.sockets.sockets.values()) socket.conn.close();
    else ack({ data: sent, error: null });
  };
  write("one");
  write("two");
  live.connect();
  await until("all is sent", () => waiting().length === 0);
  expect(heard.map(({ text }) => text)).toEqual(["one", "one", "two"]);
  expect(heard[0]?.clientId).toBe(heard[1]?.clientId);
});

it("keeps one that is refused with the reason, and goes on with the next", async () => {
  const refusal = { code: "card_number", message: "A card's number is not taken." };
  answer = (sent, ack) =>
    ack(sent.text === "4111" ? { data: null, error: refusal } : { data: sent, error: null });
  write("4111");
  write("two");
  live.connect();
  await until("one is left", () => waiting().length === 1);
  expect(waiting()[0]).toMatchObject({ text: "4111", refusal: refusal.message });
  expect(heard).toHaveLength(2);
});

it("leaves what somebody else wrote at this tab", async () => {
  write("another's", "usr_2");
  write("mine");
  live.connect();
  await until("one is left", () => waiting().length === 1);
  expect(heard.map(({ text }) => text)).toEqual(["mine"]);
});

it("is kept over a reload of the page, and no more than a tab should keep", () => {
  for (let count = 0; count < 100; count += 1) expect(write("again")).toBe(true);
  expect(write("one too many")).toBe(false);
  expect(sessionStorage.getItem("ordercast.outbox")).toContain("again");
});
