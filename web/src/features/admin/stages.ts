import { type Order, type Status } from "@ordercast/client";

export const STAGES = ["new", "preparing", "ready", "moving", "held", "done"] as const;
export type Stage = (typeof STAGES)[number];

const STAGE_OF: Record<Status, Stage> = {
  pending: "new",
  processing: "preparing",
  ready_for_pickup: "ready",
  ready_for_delivery: "ready",
  driver_assigned: "ready",
  picked_up: "moving",
  in_transit: "moving",
  delivery_failed: "moving",
  returning: "moving",
  on_hold: "held",
  delivered: "done",
  returned: "done",
  cancelled: "done",
  rejected: "done",
  expired: "done",
};

export const stageOf = (status: Status): Stage => STAGE_OF[status];

/** Whether somebody still has to do something about it. */
export const isOpen = (status: Status): boolean => STAGE_OF[status] !== "done";

/** What the member of staff wants to see. */
export interface Shown {
  stage: Stage | "all";
  /** Looked for in what a card shows: number, name, mobile, e-mail, address and what was ordered. */
  words: string;
}

export interface StageOrders {
  stage: Stage;
  orders: Order[];
}

/** The orders to show, by stage: what waits longest on top, of what is over the latest. */
export function listed(orders: readonly Order[], { stage, words }: Shown): StageOrders[] {
  const found = orders.filter((order) => matches(order, words));
  return STAGES.filter((candidate) => stage === "all" || stage === candidate).map((each) => ({
    stage: each,
    orders: found
      .filter((order) => STAGE_OF[order.status] === each)
      .sort(each === "done" ? latestFirst : oldestFirst),
  }));
}

function matches(order: Order, words: string): boolean {
  const wanted = plain(words);
  if (wanted === "") return true;
  const { number, customerInfo, shippingInfo, cartItems } = order;
  return [
    `#${number}`,
    customerInfo.name,
    customerInfo.mobile,
    customerInfo.email,
    ...(shippingInfo ? [shippingInfo.line1, shippingInfo.city] : []),
    ...cartItems.map(({ name }) => name),
  ].some((text) => typeof text === "string" && plain(text).includes(wanted));
}

/** As it is compared: in small letters, and with the digits of every language as `0` to `9`. */
function plain(text: string): string {
  const bengali = (digit: string) => String(digit.charCodeAt(0) - 0x09e6);
  return text.trim().toLowerCase().replace(/[০-৯]/g, bengali);
}

export function oldestFirst(a: Order, b: Order): number {
  return a.createdAt.localeCompare(b.createdAt) || a.number - b.number || a.id.localeCompare(b.id);
}

/** By the last change: what has just ended comes first. */
export function latestFirst(a: Order, b: Order): number {
  return b.updatedAt.localeCompare(a.updatedAt) || b.number - a.number || b.id.localeCompare(a.id);
}
