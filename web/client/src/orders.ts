/** The shop's words as they stand in its JSON. Money is in minor units, time is RFC 3339 UTC. */

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
] as const;
export type Status = (typeof STATUSES)[number];

export const PAYMENT_STATUSES = [
  "unpaid",
  "authorized",
  "paid",
  "partially_refunded",
  "refunded",
  "failed",
  "voided",
  "disputed",
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

export type Fulfilment = "delivery" | "pickup";
export type Role = "admin" | "store" | "customer" | "driver" | "carer" | "service" | "guest";

export interface CustomerInfo {
  name: string;
  email: string;
  mobile: string;
}

export interface Address {
  name: string;
  line1: string;
  line2?: string | null;
  city: string;
  postcode?: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string;
}

export interface OrderLine {
  productId: string;
  name: string;
  quantity: number;
  unitPrice: number;
  lineTotal: number;
  tax: number;
  image: string;
}

export interface Order {
  id: string;
  number: number;
  status: Status;
  paymentStatus: PaymentStatus;
  fulfilment: Fulfilment;
  version: number;
  subtotal: number;
  tax: number;
  shippingFee: number;
  discount: number;
  total: number;
  currency: string;
  amountPaid: number;
  amountRefunded: number;
  /** Promised back, and not confirmed by the payment provider yet. */
  amountRefunding: number;
  /** Whether `tax` is within the other sums, or comes on top of them. */
  pricesIncludeTax: boolean;
  promoCode: string | null;
  /** An order written by another program may not say who ordered, or where to. */
  customerInfo: { [field in keyof CustomerInfo]: string | null };
  billingInfo: Address | null;
  shippingInfo: Address | null;
  cartItems: OrderLine[];
  paymentInfo: { method: string; brand?: string | null; last4?: string | null };
  customerId: string | null;
  driverId: string | null;
  heldFrom: Status | null;
  createdAt: string;
  updatedAt: string;
}
