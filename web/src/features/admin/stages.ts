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
  /** Looked for in number, name, mobile and e-mail. */
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

function matches({ number, customerInfo }: Order, words: string): boolean {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return true;
  return [String(number), customerInfo.name, customerInfo.mobile, customerInfo.email].some((text) =>
    text?.toLowerCase().includes(wanted),
  );
}

export function oldestFirst(a: Order, b: Order): number {
  return a.createdAt.localeCompare(b.createdAt) || a.number - b.number || a.id.localeCompare(b.id);
}

/** By the last change: what has just ended comes first. */
export function latestFirst(a: Order, b: Order): number {
  return b.updatedAt.localeCompare(a.updatedAt) || b.number - a.number || b.id.localeCompare(a.id);
}
