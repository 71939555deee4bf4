// @vitest-environment node
import type { Order, Status } from "@ordercast/client";
import { expect, it } from "vitest";
import type { HistoryEntry } from "../../../src/api/orders";
import { stepsOf } from "../../../src/features/track/steps";
import { anOrder } from "../../support/orders";

/** A history through those states, a minute apart. */
function through(...states: Status[]): HistoryEntry[] {
  return states.map((toStatus, index) => ({
    version: index + 1,
    fromStatus: states[index - 1] ?? null,
    toStatus,
    fromPaymentStatus: "unpaid",
    toPaymentStatus: "unpaid",
    actor: "x",
    reason: null,
    at: `10:0${index}`,
  }));
}

const drawn = (values: Partial<Order>, ...states: Status[]) =>
  stepsOf(anOrder({ status: states.at(-1) ?? "pending", ...values }), through(...states)).map(
    ({ status, state, at }) => `${status} ${state}${at === undefined ? "" : ` ${at}`}`,
  );

it("marks what is done, what is now and what is to come", () => {
  expect(drawn({ fulfilment: "pickup" }, "pending", "processing")).toEqual([
    "pending done 10:00",
    "processing now 10:01",
    "ready_for_pickup ahead",
    "delivered ahead",
  ]);
});

it("has seven steps for a delivery, all done at its end", () => {
  const all = drawn(
    {},
    "pending",
    "processing",
    "ready_for_delivery",
    "driver_assigned",
    "picked_up",
    "in_transit",
    "delivered",
  );
  expect(all).toHaveLength(7);
  expect(all.every((step) => step.includes(" done "))).toBe(true);
});

it.each(["cancelled", "rejected", "on_hold"] as const)(
  "shows how far an order had come that is %s",
  (end) => {
    expect(drawn({ fulfilment: "pickup" }, "pending", "processing", end)).toEqual([
      "pending done 10:00",
      "processing done 10:01",
      "ready_for_pickup ahead",
      "delivered ahead",
    ]);
  },
);

it("knows from a held order itself where it was, before the history is there", () => {
  const steps = stepsOf(anOrder({ status: "on_hold", heldFrom: "ready_for_delivery" }), []);
  expect(steps.map(({ state }) => state).join(" ")).toBe("done done done ahead ahead ahead ahead");
});

it("gives the time of the last arrival at a step that was reached twice", () => {
  expect(drawn({}, "pending", "on_hold", "pending")[0]).toBe("pending now 10:02");
});
