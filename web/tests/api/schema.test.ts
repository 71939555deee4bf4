import type { Order, PaymentStatus, Role, Status } from "@ordercast/client";
import { PAYMENT_STATUSES, STATUSES } from "@ordercast/client";
import { expect, expectTypeOf, it } from "vitest";
import type { Schemas } from "../../src/api/schemas";

// The client is published by itself, with types of the AsyncAPI document; the compiler holds them to OpenAPI's.
it("knows the states and roles that the server knows", () => {
  expectTypeOf<Status>().toEqualTypeOf<Schemas["OrderStatus"]>();
  expectTypeOf<PaymentStatus>().toEqualTypeOf<Schemas["PaymentStatus"]>();
  expectTypeOf<(typeof STATUSES)[number]>().toEqualTypeOf<Status>();
  expectTypeOf<(typeof PAYMENT_STATUSES)[number]>().toEqualTypeOf<PaymentStatus>();
  expectTypeOf<Role>().toEqualTypeOf<Schemas["Role"]>();
  expect(new Set(STATUSES).size + new Set(PAYMENT_STATUSES).size).toBe(
    STATUSES.length + PAYMENT_STATUSES.length,
  );
});

it("reads an order as the server writes it", () => {
  expectTypeOf<Schemas["Order"]>().toExtend<Order>();
  expectTypeOf<keyof Order>().toEqualTypeOf<keyof Schemas["Order"]>();
});
