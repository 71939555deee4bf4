import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isOrder } from "../../client/src";
import { problemIn } from "../../client/src/payloads";
import { anOrder } from "../support/orders";

const STATUS_CHANGE = {
  id: "e:1.0",
  seq: 1,
  orderId: "ord_1",
  number: 1001,
  oldStatus: "pending",
  newStatus: "processing",
  paymentStatus: "unpaid",
  version: 2,
  actor: "store:usr_1",
  reason: null,
  at: "2026-11-30T00:00:00.000Z",
};

describe("what arrives is held against what its event promises", () => {
  it.each([
    ["newOrder", anOrder()],
    ["order_update", { ...anOrder(), seq: 9 }],
    ["newOrder", { ...anOrder(), cartItems: [], billingInfo: null, customerId: null }],
    ["newOrder", { ...anOrder(), cartItems: [{ name: "Tea", quantity: 1 }] }],
    ["orderStatusUpdated", STATUS_CHANGE],
    ["resync", { reason: "unreadable_row" }],
    ["ready", { position: "abc:7", identity: "store:usr_1" }],
    ["new_booking", null],
    ["typing", { conversationId: "cnv_1", participant: "store", typing: true, expiresInSeconds: 6 }],
    ["participants", { conversationId: "cnv_1", participants: null, count: 101 }],
    ["toString", 5],
  ])("lets a good %s through", (event, payload) => {
    expect(problemIn(event, payload)).toBeUndefined();
  });

  it.each([
    ["newOrder", { _id: "665f", items: [] }, "newOrder.id is no text"],
    ["newOrder", null, "newOrder is no object"],
    ["newOrder", undefined, "newOrder is no object"],
    ["newOrder", [], "newOrder is no object"],
    ["newOrder", "5", "newOrder is no object"],
    ["newOrder", { ...anOrder(), total: "144" }, "newOrder.total is no number"],
    ["newOrder", { ...anOrder(), total: Number.NaN }, "newOrder.total is no number"],
    ["newOrder", { ...anOrder(), createdAt: "yesterday" }, "newOrder.createdAt is no moment"],
    ["newOrder", { ...anOrder(), currency: "TK" }, "newOrder.currency is no currency"],
    ["newOrder", { ...anOrder(), cartItems: null }, "newOrder.cartItems is no list"],
    ["newOrder", { ...anOrder(), cartItems: [{}] }, "newOrder.cartItems[0].name is no text"],
    ["newOrder", { ...anOrder(), customerInfo: null }, "newOrder.customerInfo is no object"],
    ["orderStatusUpdated", { ...STATUS_CHANGE, newStatus: "lost" }, /newStatus is no one of/],
    ["payment_update", {}, "payment_update.id is no text"],
    ["notification", { id: "x" }, "notification.seq is no number"],
    ["delivery_update", { orderId: "ord_1", number: 1, stage: "in_transit", driver: 5 }, /driver is no/],
    ["stats", {}, "stats.date is no text"],
    ["ready", {}, "ready.position is no position"],
    ["resync", null, "resync is no object"],
    ["watching", 7, "watching is no object"],
    ["message", { id: "msg_1", conversationId: "cnv_1", position: "3" }, "message.position is no number"],
    ["message_update", null, "message_update is no object"],
    ["seen", { conversationId: "cnv_1", participant: 7 }, "seen.participant is no text"],
    [
      "participants",
      { conversationId: "cnv_1", participants: [{}] },
      /participants\[0\].participant is no text/,
    ],
    ["typing", { conversationId: "cnv_1", participant: "store" }, "typing.typing is no flag"],
    ["auth_expired", undefined, "auth_expired is no object"],
  ])("names what is wrong with a bad %s", (event, payload, problem) => {
    expect(problemIn(event, payload)).toMatch(problem);
  });
});

describe("an order from a list", () => {
  beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
  afterEach(() => vi.restoreAllMocks());

  it("is shown if it is one, and said to the console if not", () => {
    expect([anOrder(), { id: "ord_1" }].filter(isOrder)).toEqual([anOrder()]);
    expect(console.error).toHaveBeenCalledOnce();
  });
});
