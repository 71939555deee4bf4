/**
 * What the server tells, by the event's name: made from its AsyncAPI document (`generated.ts`), with the names that
 * programs know.
 */

import type { Offsets, Schemas } from "./generated.js";

/** The payload of each event, which arrives as its first argument. */
export type Events = Schemas["Events"];
export type EventName = keyof Events;

/** For the stock client: `const socket: Socket<ServerEvents, CommandEvents> = io(url)` types `on` and `emitWithAck`. */
export type ServerEvents = {
  [Name in EventName]: (payload: Events[Name], ...offset: Offsets[Name]) => void;
};

export type Ready = Events["ready"];
export type Resync = Events["resync"];
/** The small notice that existing dashboards read; its `status` is the payment's. */
export type NewOrderNotice = Events["new_order"];
export type OrderStatusUpdated = Events["orderStatusUpdated"];
export type PaymentUpdate = Events["payment_update"];
export type PaymentMismatch = Events["payment_mismatch"];
export type CustomerOrderUpdate = Events["customer_order_update"];
export type DeliveryUpdate = Events["delivery_update"];
/** Where somebody was, in degrees of WGS 84; `accuracy` in metres. */
export type Place = Schemas["DeliveryPosition"];
/** Words for people; `notificationId` is what to mark as seen. */
export type Notification = Events["notification"];
/** Today's figures, as `GET /api/stats` answers them. */
export type StatsTold = Events["stats"];
