import type { Order } from "@ordercast/client";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import AdminPage from "../../../src/features/admin";
import { useBoardSettings } from "../../../src/features/admin/settings";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
let order: Order;
const user = userEvent.setup();
const LOGIN = {
  token: "jwt",
  expiresIn: 3600,
  user: { id: "usr_1", email: "store@example.com", name: "Store", role: "store" },
};
const PAID = { paymentStatus: "paid", amountPaid: 144_00, paymentInfo: { method: "card" } } as const;
const REFUND = "POST /api/orders/ord_1001/refund";

beforeEach(async () => {
  useBoardSettings.getState().change({ undo_s: 0 });
  order = anOrder(PAID);
  server = await new NodeServer().start();
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items: [order], nextCursor: null, position: "e:1" } }))
    .on("GET /api/orders/ord_1001", () => ({ body: order }))
    .on("GET /api/payment-mismatches", () => ({ body: { items: [], nextCursor: null } }));
  useSessionStore.getState().signIn(LOGIN as never, Date.now());
});

afterEach(async () => {
  useSessionStore.getState().forget();
  await server.stop();
});

async function open(): Promise<HTMLElement> {
  show(<AdminPage />, server);
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  return screen.findByTestId("order-card");
}

const submit = () => screen.getByTestId<HTMLButtonElement>("refund-submit");

async function fillIn(amount?: string): Promise<void> {
  await user.click(await screen.findByTestId("order-menu"));
  await user.click(await screen.findByTestId("refund-open"));
  if (amount !== undefined) {
    await user.click(screen.getByTestId("refund-part"));
    await user.type(screen.getByTestId("refund-amount"), amount);
  }
  await user.type(screen.getByTestId("refund-reason"), "One samosa was cold");
}

describe("a refund", () => {
  it("of a part names the sum and the version seen, and shows on the card as it is heard", async () => {
    server.on(REFUND, () => ({ body: anOrder({ ...PAID, version: 2, amountRefunding: 25_50 }) }));
    const card = await open();
    expect(within(card).getByTestId("order-paid").textContent).toBe("BDT\u00a0144");
    await fillIn("25.50");
    expect(screen.getByRole("dialog", { name: "Refund: order 1001" })).toBeTruthy();
    expect(submit().textContent).toBe("Give back BDT\u00a025.50");
    await expectAccessible();
    await user.click(submit());
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(server.askedFor(REFUND)[0]?.body).toEqual({
      reason: "One samosa was cold",
      amount: 25_50,
      version: 1,
    });
    expect(screen.getByTestId("order-refunding").textContent).toBe("BDT\u00a025.50");
    const named = { id: "evt_1", seq: 3, oldPaymentStatus: "paid" };
    const told = {
      ...named,
      orderId: "ord_1001",
      version: 3,
      at: "2026-01-05T10:02:00Z",
      amountPaid: 144_00,
    };
    const after = { newPaymentStatus: "partially_refunded", amountRefunded: 25_50, amountRefunding: 0 };
    server.io.emit("payment_update", { ...told, ...after }, "e:3");
    await waitFor(() => expect(screen.getByTestId("order-refunded").textContent).toBe("BDT\u00a025.50"));
    expect(screen.queryByTestId("order-refunding")).toBeNull();
    expect(within(card).getByText("Partly refunded")).toBeTruthy();
  });

  it.each(["0", "144.01", "1.234", "all"])("of %s is not sent", async (amount) => {
    await open();
    await fillIn(amount);
    expect(submit().disabled).toBe(true);
    expect(
      screen.getByText("Enter an amount above zero, up to BDT\u00a0144.", { normalizer: String }),
    ).toBeTruthy();
    expect(server.askedFor(REFUND)).toEqual([]);
  });

  it("is asked for again by the same key and body when the answer was lost, also if the order moved", async () => {
    server.on(REFUND, () => ({ status: 504, body: { title: "Lost", detail: "No answer.", status: 504 } }));
    await open();
    await fillIn("25.50");
    await user.click(submit());
    await screen.findByText("No answer.");
    server.io.emit("order_update", anOrder({ ...PAID, version: 2, amountRefunding: 25_50 }), "e:2");
    await screen.findByTestId("order-refunding");
    server.on(REFUND, () => ({ body: anOrder({ ...PAID, version: 2, amountRefunding: 25_50 }) }));
    await user.click(submit());
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const [first, second] = server.askedFor(REFUND);
    expect(first?.headers["idempotency-key"]).toBeTruthy();
    expect(second?.headers["idempotency-key"]).toBe(first?.headers["idempotency-key"]);
    expect(second?.body).toEqual(first?.body);
  });

  it("of an order that has changed is refused, said, and possible at the second look", async () => {
    const detail = "The order is at version 2.";
    server.on(REFUND, () => {
      order = anOrder({ ...PAID, version: 2 });
      return { status: 409, body: { type: "/problems/stale-version", title: "No", detail, status: 409 } };
    });
    await open();
    await fillIn();
    await user.click(submit());
    await screen.findByText(detail);
    server.on(REFUND, () => ({ body: anOrder({ ...PAID, version: 3, amountRefunding: 144_00 }) }));
    await user.click(submit());
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const [stale, seen] = server.askedFor(REFUND);
    expect([stale?.body, seen?.body]).toMatchObject([{ version: 1 }, { version: 2, amount: 144_00 }]);
    expect(seen?.headers["idempotency-key"]).not.toBe(stale?.headers["idempotency-key"]);
    await user.click(screen.getByTestId("order-menu"));
    await screen.findByRole("menu");
    expect(screen.queryByTestId("refund-open")).toBeNull();
  });

  it.each([
    ["what nobody has paid", { paymentStatus: "unpaid", amountPaid: 0 }],
    ["what the bank decides about", { ...PAID, paymentStatus: "disputed" }],
    ["what is on its way already", { ...PAID, amountRefunding: 144_00 }],
  ] as const)("is not offered for %s", async (_, payment) => {
    order = anOrder(payment);
    await open();
    await user.click(await screen.findByTestId("order-menu"));
    await screen.findByRole("menu");
    expect(screen.queryByTestId("refund-open")).toBeNull();
  });
});

describe("money that differs", () => {
  const card = {
    id: "mis_1",
    orderId: "ord_1001",
    bookingId: null,
    provider: "sandbox",
    reference: "pay_1",
    kind: "captured",
    ours: 144_00,
    theirs: 143_99,
    text: "We have 144.00 BDT captured, the provider 143.99 BDT.",
    createdAt: "2026-01-05T10:01:00Z",
    resolvedAt: null,
    resolvedBy: null,
    note: null,
  };

  it("is a card on the board as soon as it is told, until somebody has seen to it", async () => {
    await open();
    expect(screen.queryByTestId("mismatch-card")).toBeNull();
    let left = [card];
    server.on("GET /api/payment-mismatches", () => ({ body: { items: left, nextCursor: null } }));
    server.io.emit(
      "payment_mismatch",
      { ...card, id: "evt_1", seq: 2, mismatchId: "mis_1", version: 1, at: card.createdAt },
      "e:2",
    );
    const shown = await screen.findByTestId("mismatch-card");
    expect(shown.textContent).toContain("#1001: another sum taken");
    expect(shown.textContent).toContain(card.text);
    await expectAccessible();
    server.on("POST /api/payment-mismatches/mis_1/resolve", () => {
      left = [];
      return { body: { ...card, resolvedAt: "2026-01-05T10:02:00Z" } };
    });
    await user.click(within(shown).getByTestId("mismatch-resolve"));
    await waitFor(() => expect(screen.queryByTestId("mismatch-card")).toBeNull());
  });

  it("stays, and says why, when it could not be resolved", async () => {
    server.on("GET /api/payment-mismatches", () => ({ body: { items: [card], nextCursor: null } }));
    server.on("POST /api/payment-mismatches/mis_1/resolve", () => ({
      status: 503,
      body: { title: "Busy", detail: "Try later.", status: 503 },
    }));
    await open();
    await user.click(await screen.findByTestId("mismatch-resolve"));
    expect((await screen.findByRole("alert")).textContent).toBe("Try later.");
    expect(screen.getByTestId("mismatch-card")).toBeTruthy();
  });
});
