/**
 * Whether what arrived is what its event promises. Back ends publish events too, and rows are written by any program:
 * a page reckons with what passes here, and with nothing else.
 */

import type { EventName, Events } from "./events.js";
import { type Order, type OrderLine, PAYMENT_STATUSES, STATUSES } from "./orders.js";
import { parsePosition } from "./position.js";

/** Gives the path of what is wrong, and why; undefined where nothing is. */
type Check = (value: unknown, path: string) => string | undefined;

const is =
  (name: string, test: (value: unknown) => boolean): Check =>
  (value, path) =>
    test(value) ? undefined : `${path} is no ${name}`;

const anything: Check = () => undefined;
const text = is("text", (value) => typeof value === "string");
const number = is("number", (value) => Number.isFinite(value));
const flag = is("flag", (value) => typeof value === "boolean");
const object = is("object", (value) => typeof value === "object" && value !== null && !Array.isArray(value));
// A date that is none, or a currency of two letters, is an error of the browser's formatting, not a text.
const moment = is("moment", (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)));
const currency = is("currency", (value) => typeof value === "string" && /^[A-Za-z]{3}$/.test(value));
const position = is("position", (value) => parsePosition(value) !== undefined);

const oneOf = (values: readonly string[]): Check =>
  is(`one of ${values.join(", ")}`, (value) => typeof value === "string" && values.includes(value));

const orNull =
  (check: Check): Check =>
  (value, path) =>
    value === null ? undefined : check(value, path);

/** What may be left out, or null. */
const optional =
  (check: Check): Check =>
  (value, path) =>
    value === undefined || value === null ? undefined : check(value, path);

const list =
  (check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path} is no list`;
    for (const [index, item] of value.entries()) {
      const problem = check(item, `${path}[${index}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

/** An object with at least these fields: those that pages read, and the event's type has. */
const shape =
  <T>(fields: { readonly [field in keyof Required<T>]?: Check }): Check =>
  (value, path) => {
    const wrong = object(value, path);
    if (wrong !== undefined) return wrong;
    for (const [field, check] of Object.entries(fields as Record<string, Check>)) {
      const problem = check((value as Record<string, unknown>)[field], `${path}.${field}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

const status = oneOf(STATUSES);
const paymentStatus = oneOf(PAYMENT_STATUSES);
const scalar = is("figure", (value) => ["number", "string", "boolean"].includes(typeof value));

// An order of another program may say less of what was bought; it is shown all the same.
const line = shape<OrderLine>({
  productId: optional(text),
  name: text,
  quantity: number,
  unitPrice: optional(number),
  lineTotal: optional(number),
  tax: optional(number),
  image: optional(text),
  discount: optional(number),
  note: optional(text),
});

const order = shape<Order>({
  id: text,
  number,
  status,
  paymentStatus,
  fulfilment: oneOf(["delivery", "pickup"]),
  version: number,
  subtotal: number,
  tax: number,
  shippingFee: number,
  discount: number,
  total: number,
  currency,
  amountPaid: number,
  amountRefunded: number,
  amountRefunding: number,
  pricesIncludeTax: flag,
  promoCode: orNull(text),
  customerInfo: shape<Order["customerInfo"]>({
    name: orNull(text),
    email: orNull(text),
    mobile: orNull(text),
  }),
  billingInfo: orNull(object),
  shippingInfo: orNull(object),
  cartItems: list(line),
  paymentInfo: object,
  customerId: orNull(text),
  driverId: orNull(text),
  heldFrom: orNull(status),
  createdAt: moment,
  updatedAt: moment,
  statusSince: optional(moment),
  promisedAt: optional(orNull(moment)),
  requestedTime: optional(orNull(moment)),
  amountToCollect: optional(number),
});

const place = shape<NonNullable<Events["delivery_update"]["position"]>>({
  lat: number,
  lng: number,
  accuracy: optional(number),
  at: moment,
});

const durations = shape<{ median: number | null }>({ median: orNull(number) });
const farewell = shape<Events["auth_expired"]>({ code: text, message: text });

const message = shape<Events["message"]>({
  id: text,
  conversationId: text,
  position: number,
  clientId: orNull(text),
  sender: shape<Events["message"]["sender"]>({ participant: text, role: text }),
  text,
  version: number,
  createdAt: moment,
  editedAt: orNull(moment),
  deletedAt: orNull(moment),
});

/** Of the events by which pages are kept up to date; another one passes as it came. */
const CHECKS: { readonly [event in EventName]?: Check } = {
  ready: shape<Events["ready"]>({ position, identity: optional(text) }),
  resync: shape<Events["resync"]>({ reason: text }),
  new_order: shape<Events["new_order"]>({
    type: oneOf(["new_order"]),
    order: shape<Events["new_order"]["order"]>({
      id: text,
      status: text,
      total: number,
      customerName: orNull(text),
      createdAt: moment,
      mobile: orNull(text),
      customer_email: orNull(text),
    }),
  }),
  newOrder: order,
  order_update: order,
  orderStatusUpdated: shape<Events["orderStatusUpdated"]>({
    id: text,
    seq: number,
    orderId: text,
    number,
    oldStatus: status,
    newStatus: status,
    paymentStatus,
    promisedAt: optional(orNull(moment)),
    version: number,
    actor: text,
    reason: orNull(text),
    at: moment,
  }),
  payment_update: shape<Events["payment_update"]>({
    id: text,
    seq: number,
    orderId: optional(text),
    bookingId: optional(text),
    number: optional(number),
    oldPaymentStatus: paymentStatus,
    newPaymentStatus: paymentStatus,
    total: optional(number),
    currency: optional(currency),
    amountPaid: number,
    amountRefunded: number,
    amountRefunding: number,
    version: number,
    at: moment,
  }),
  payment_mismatch: shape<Events["payment_mismatch"]>({
    id: text,
    seq: number,
    mismatchId: text,
    orderId: orNull(text),
    bookingId: orNull(text),
    provider: text,
    reference: orNull(text),
    kind: text,
    ours: orNull(scalar),
    theirs: orNull(scalar),
    text,
    createdAt: moment,
    resolvedAt: orNull(moment),
    resolvedBy: orNull(text),
    note: orNull(text),
    version: number,
    at: moment,
  }),
  customer_order_update: shape<Events["customer_order_update"]>({
    id: text,
    seq: number,
    orderId: text,
    number,
    status,
    paymentStatus,
    fulfilment: oneOf(["delivery", "pickup"]),
    promisedAt: optional(orNull(moment)),
    version: number,
    at: moment,
    title: text,
    text,
  }),
  delivery_update: shape<Events["delivery_update"]>({
    id: optional(text),
    seq: optional(number),
    orderId: text,
    number,
    stage: status,
    driver: orNull(object),
    attempts: optional(number),
    position: optional(place),
    eta: optional(moment),
    version: optional(number),
    at: optional(moment),
  }),
  notification: shape<Events["notification"]>({
    id: text,
    seq: number,
    notificationId: text,
    title: text,
    text,
    titleBn: text,
    textBn: text,
    link: text,
    severity: oneOf(["info", "warning", "error"]),
    orderId: orNull(text),
    version: optional(number),
    at: moment,
  }),
  availability_update: shape<Events["availability_update"]>({
    id: text,
    seq: number,
    productId: text,
    availability: oneOf(["in_stock", "few_left", "sold_out", "withdrawn"]),
    soldOutUntil: orNull(moment),
    version: number,
    at: moment,
  }),
  opening_update: shape<Events["opening_update"]>({
    id: text,
    seq: number,
    hours: orNull(object),
    paused: flag,
    pausedUntil: orNull(moment),
    pauseReason: orNull(text),
    version: number,
    at: moment,
  }),
  order_unseen: shape<Pick<Events["order_unseen"], "orderId" | "number">>({ orderId: text, number }),
  message,
  message_update: message,
  seen: shape<Events["seen"]>({
    conversationId: text,
    participant: text,
    delivered: number,
    seen: number,
    unread: number,
  }),
  participants: shape<Events["participants"]>({
    conversationId: text,
    participants: orNull(list(shape<{ participant: string }>({ participant: text }))),
    count: number,
  }),
  typing: shape<Events["typing"]>({
    conversationId: text,
    participant: text,
    typing: flag,
    expiresInSeconds: number,
  }),
  stats: shape<Record<string, unknown>>({
    date: text,
    orders: number,
    revenue: number,
    currency,
    open: shape<{ count: number }>({ count: number }),
    preparation: durations,
    delivery: durations,
  }),
  watching: shape<Events["watching"]>({ orderId: optional(text), conversationId: optional(text), position }),
  auth_expiring: shape<Events["auth_expiring"]>({ expiresAt: number, expiresInSeconds: anything }),
  auth_expired: farewell,
  auth_ignored: farewell,
  auth_revoked: farewell,
};

/** What is wrong with an event's payload; undefined where nothing is, and for an event that is not the shop's own. */
export function problemIn(event: string, payload: unknown): string | undefined {
  return Object.hasOwn(CHECKS, event) ? CHECKS[event as EventName]?.(payload, event) : undefined;
}

/** Whether it is an order that a page can show; one that is none is said to the console. */
export function isOrder(candidate: unknown): candidate is Order {
  const problem = order(candidate, "order");
  if (problem !== undefined) console.error(`An order is left out: ${problem}.`, candidate);
  return problem === undefined;
}
