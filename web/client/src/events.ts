/** What the server tells: one line per event name, with the payload that arrives as its first argument. */

import type { Fulfilment, Order, PaymentStatus, Status } from "./orders.js";

/** Told once after every connection of an identified socket. */
export interface Ready {
  position: string;
  /** As whom the server knows this socket. */
  identity?: string;
}

/** What was missed cannot be replayed: fetch anew what is on the screen. */
export interface Resync {
  reason: string;
}

/** The small notice that existing dashboards read; its `status` is the payment's. */
export interface NewOrderNotice {
  type: "new_order";
  order: {
    id: string;
    status: string;
    total: number;
    customerName: string;
    createdAt: string;
    mobile: string;
    customer_email: string;
  };
}

export interface OrderStatusUpdated {
  id: string;
  seq: number;
  orderId: string;
  number: number;
  oldStatus: Status;
  newStatus: Status;
  paymentStatus: PaymentStatus;
  version: number;
  actor: string;
  reason: string | null;
  at: string;
}

export interface PaymentUpdate {
  id: string;
  seq: number;
  orderId: string;
  oldPaymentStatus: PaymentStatus;
  newPaymentStatus: PaymentStatus;
  /** Minor units. */
  amountPaid: number;
  amountRefunded: number;
  /** Promised back, and not confirmed by the payment provider yet. */
  amountRefunding: number;
  version: number;
  at: string;
}

/** Where a payment provider's books differ from the shop's; told again once it is resolved. */
export interface PaymentMismatch {
  id: string;
  seq: number;
  mismatchId: string;
  orderId: string;
  provider: string;
  reference: string | null;
  kind: string;
  ours: number | string | boolean | null;
  theirs: number | string | boolean | null;
  text: string;
  createdAt: string;
  resolvedAt: string | null;
  resolvedBy: string | null;
  note: string | null;
  version: number;
  at: string;
}

export interface CustomerOrderUpdate {
  id: string;
  seq: number;
  orderId: string;
  number: number;
  status: Status;
  paymentStatus: PaymentStatus;
  fulfilment: Fulfilment;
  version: number;
  at: string;
  title: string;
  text: string;
}

/** Where somebody was, in degrees of WGS 84; `accuracy` in metres. */
export interface Place {
  lat: number;
  lng: number;
  accuracy?: number | null;
  at: string;
}

/** A stage of a delivery; without a position in the feed, where its driver is at this moment. */
export interface DeliveryUpdate {
  id?: string;
  seq?: number;
  orderId: string;
  number: number;
  stage: Status;
  driver: { id: string; name?: string | null } | null;
  attempts?: number;
  position: Place | null;
  /** When it should be there, by an estimate. */
  eta: string | null;
  version?: number;
  at?: string;
}

/** Words for people; `notificationId` is what to mark as seen. */
export interface Notification {
  id: string;
  seq: number;
  notificationId: string;
  title: string;
  text: string;
  titleBn: string;
  textBn: string;
  link: string;
  severity: "info" | "warning" | "error";
  orderId: string | null;
  at: string;
}

/** Today's figures, as `GET /api/stats` answers them; the most asked for by name. */
export interface StatsTold {
  date: string;
  orders: number;
  revenue: number;
  currency: string;
  [figure: string]: unknown;
}

export interface Events {
  ready: Ready;
  resync: Resync;
  new_order: NewOrderNotice;
  newOrder: Order;
  orderStatusUpdated: OrderStatusUpdated;
  /** The whole order, after something else than its two states was changed. */
  order_update: Order;
  payment_update: PaymentUpdate;
  payment_mismatch: PaymentMismatch;
  customer_order_update: CustomerOrderUpdate;
  delivery_update: DeliveryUpdate;
  notification: Notification;
  stats: StatsTold;
  /** A watch by `watch_order` has begun. */
  watching: { orderId: string; position: string };
  /** `expiresAt` is in seconds since 1970. */
  auth_expiring: { expiresAt: number; expiresInSeconds: number };
  /** A token was offered where none is read; this socket is nobody's. */
  auth_ignored: { code: string; place: string; message: string };
  auth_expired: { code: string; message: string };
  auth_revoked: { code: string; message: string };
}
export type EventName = keyof Events;
