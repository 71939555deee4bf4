// @vitest-environment node
import type { Order, Role } from "@ordercast/client";
import { expect, it } from "vitest";
import { nextMoves } from "../../../src/features/admin/next-moves";
import { anOrder, FLOW } from "../../support/orders";

const movesOf = (values: Partial<Order>, role: Role = "store") =>
  nextMoves(FLOW, anOrder(values), role).map(({ to }) => to);

it("offers what the table allows this role from this state", () => {
  expect(movesOf({})).toEqual(["processing", "rejected", "cancelled", "on_hold"]);
  expect(movesOf({}, "customer")).toEqual(["cancelled"]);
  expect(movesOf({ status: "in_transit" })).toEqual(["on_hold"]);
  expect(movesOf({ status: "delivered" })).toEqual([]);
});

it("offers only what fits how the order is fulfilled", () => {
  expect(movesOf({ status: "processing", fulfilment: "pickup" })).toEqual(["ready_for_pickup", "cancelled"]);
  expect(movesOf({ status: "processing" })).toEqual(["ready_for_delivery", "cancelled"]);
});

it("lets a held order back to where it was, or to an end that was open to it there", () => {
  expect(movesOf({ status: "on_hold", heldFrom: "processing" })).toEqual(["processing", "cancelled"]);
  expect(movesOf({ status: "on_hold", heldFrom: "in_transit" })).toEqual(["in_transit"]);
});

it("leaves out what the order's payment or driver does not allow yet, and leaves to the server what it cannot see", () => {
  const card = { paymentInfo: { method: "card" as const } };
  expect(movesOf({ ...card, paymentStatus: "failed" })).not.toContain("processing");
  expect(movesOf({ ...card, paymentStatus: "authorized" })).toContain("processing");
  expect(movesOf({ status: "ready_for_delivery" })).toEqual([]);
  expect(movesOf({ status: "ready_for_delivery", driverId: "drv_1" })).toEqual(["driver_assigned"]);
});
