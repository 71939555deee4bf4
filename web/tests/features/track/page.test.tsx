import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Route } from "wouter";
import TrackPage from "../../../src/features/track";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
let order = anOrder();

const placed = {
  version: 1,
  fromStatus: null,
  toStatus: "pending",
  fromPaymentStatus: null,
  toPaymentStatus: "unpaid",
  actor: "guest",
  reason: null,
  at: "2026-01-05T10:00:00Z",
};

beforeEach(async () => {
  order = anOrder();
  useSessionStore.getState().forget();
  server = await new NodeServer().start();
  server
    .on("GET /api/orders/ord_1001", ({ headers }) =>
      headers.authorization === "Bearer trk_1"
        ? { body: order }
        : { status: 404, body: { title: "Not found", detail: "There is no such order.", status: 404 } },
    )
    .on("GET /api/orders/ord_1001/history", () => ({ body: { items: [placed] } }));
});

afterEach(() => server.stop());

function open(address: string, state: unknown = null): void {
  history.replaceState(state, "", address);
  show(<Route path="/track/:id" component={TrackPage} />, server);
}

const status = async () => (await screen.findByTestId("track-status")).dataset["status"];

it("shows a guest the order, its way and its sums", async () => {
  open("/track/ord_1001?token=trk_1");
  expect(await status()).toBe("pending");
  expect(screen.getByTestId("timeline").children).toHaveLength(7);
  expect(screen.getByTestId("track-total").textContent).toBe("BDT\u00a0144");
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Order 1001");
  expect(screen.queryByTestId("order-confirmation")).toBeNull();
  await expectAccessible();
});

it("says for when the shop has promised it until it is ready, and what was noted for the kitchen", async () => {
  const lines = order.cartItems.map((line) => ({ ...line, note: "no sugar" }));
  order = anOrder({ status: "processing", promisedAt: "2026-01-05T10:30:00.000Z", cartItems: lines });
  open("/track/ord_1001?token=trk_1");
  expect((await screen.findByTestId("promised-time")).textContent).toMatch(
    /^The shop has promised it for \d/,
  );
  expect(screen.getByText("no sugar")).toBeTruthy();
  order = { ...order, status: "ready_for_delivery", version: 3 };
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  server.io.emit("ready", { position: "e:3" }, "e:3");
  await waitFor(() => expect(screen.queryByTestId("promised-time")).toBeNull());
});

it("connects anew at once when the network is back", async () => {
  open("/track/ord_1001?token=trk_1");
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  for (const socket of await server.io.fetchSockets())
    (socket as unknown as { conn: { close: () => void } }).conn.close();
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).not.toBe("connected"));
  window.dispatchEvent(new Event("online"));
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
});

it("moves when the socket says so, and connects with the tracking token", async () => {
  const tokens: unknown[] = [];
  server.io.use((socket, next) => {
    tokens.push(socket.handshake.auth["token"]);
    next();
  });
  open("/track/ord_1001?token=trk_1");
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  await status();
  order = anOrder({ status: "processing", version: 2 });
  server.io.emit(
    "customer_order_update",
    {
      id: "evt",
      seq: 2,
      orderId: "ord_1001",
      number: 1001,
      status: "processing",
      paymentStatus: "unpaid",
      fulfilment: "delivery",
      version: 2,
      at: "2026-01-05T10:01:00Z",
      title: "t",
      text: "x",
    },
    "e:2",
  );
  await waitFor(async () => expect(await status()).toBe("processing"));
  expect(screen.getByText("Your order is being prepared.")).toBeTruthy();
  expect(tokens).toEqual(["trk_1"]);
});

it("reads again once the socket is ready, for what came in between", async () => {
  server.io.on("connection", (socket) => {
    order = anOrder({ status: "cancelled", version: 2 });
    socket.emit("ready", { position: "e:2" }, "e:2");
  });
  open("/track/ord_1001?token=trk_1");
  await waitFor(async () => expect(await status()).toBe("cancelled"));
});

it("thanks whoever comes from the checkout, with the server's total", async () => {
  open("/track/ord_1001?token=trk_1", { placed: true });
  const thanks = await screen.findByTestId("order-confirmation");
  expect(thanks.textContent).toContain("Order 1001 is placed");
  expect(thanks.textContent).toContain("BDT\u00a0144");
  await expectAccessible();
});

it("says so when the link leads to nothing", async () => {
  open("/track/ord_1001?token=trk_wrong");
  expect((await screen.findByRole("alert")).textContent).toContain("This link opens no order.");
});

it("asks who is there without a link or a session", () => {
  open("/track/ord_1001");
  expect(screen.getByTestId("login-email")).toBeTruthy();
});

it.each([
  [{}, "You pay BDT\u00a0144 in cash when you get it."],
  [
    { paymentStatus: "authorized", paymentInfo: { method: "card", brand: "visa", last4: "4242" } },
    "BDT\u00a0144 is held by card (Visa •••• 4242), and taken when the shop accepts the order.",
  ],
  [
    {
      paymentStatus: "partially_refunded",
      paymentInfo: { method: "card", brand: "visa", last4: "4242" },
      amountPaid: 144_00,
      amountRefunded: 20_00,
      amountRefunding: 5_00,
    },
    "BDT\u00a0144 was paid by card (Visa •••• 4242)." +
      "BDT\u00a020 has been given back to you.BDT\u00a05 is on its way back to you.",
  ],
  [
    { paymentStatus: "refunded", amountPaid: 144_00, amountRefunded: 144_00 },
    "BDT\u00a0144 was paid in cash.BDT\u00a0144 has been given back to you.",
  ],
  [{ paymentStatus: "voided" }, "Nothing was charged."],
] as const)("says how it is paid: %o", async (payment, words) => {
  order = anOrder(payment);
  open("/track/ord_1001?token=trk_1");
  expect((await screen.findByTestId("track-payment")).textContent).toBe(words);
});
