/** The shop's words as they stand in its JSON. Money is in minor units, time is RFC 3339 UTC. */

import type { Schemas } from "./generated.js";

export const STATUSES = [
  "pending",
  "processing",
  "ready_for_pickup",
  "ready_for_delivery",
  "driver_assigned",
  "picked_up",
  "in_transit",
  "delivered",
  "delivery_failed",
  "returning",
  "returned",
  "on_hold",
  "cancelled",
  "rejected",
  "expired",
] as const satisfies readonly Schemas["OrderStatus"][];
export type Status = Schemas["OrderStatus"];

export const PAYMENT_STATUSES = [
  "unpaid",
  "authorized",
  "paid",
  "partially_refunded",
  "refunded",
  "failed",
  "voided",
  "disputed",
] as const satisfies readonly Schemas["PaymentStatus"][];
export type PaymentStatus = Schemas["PaymentStatus"];

export type Fulfilment = Schemas["Fulfilment"];
export type Role = "admin" | "store" | "customer" | "driver" | "carer" | "service" | "guest";

export type CustomerInfo = {
  [field in keyof Schemas["PublicCustomerInfo"]]: NonNullable<Schemas["PublicCustomerInfo"][field]>;
};
/** As much of an address as people type. */
export type Address = Omit<Schemas["AddressInfo"], "location">;
export type OrderLine = Schemas["OrderLine"];
/** A whole order. An order written by another program may not say who ordered, or where to. */
export type Order = Schemas["Order"];
