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
  orders: readonly Order[];
}

export type Stages = Readonly<Record<Stage, readonly Order[]>>;

export const NO_STAGES: Stages = { new: [], preparing: [], ready: [], moving: [], held: [], done: [] };

/**
 * The orders by stage: what waits longest on top, of what is over the latest. A stage in which nothing has changed is the
 * same list as `before`, so that whoever shows it has nothing to do.
 */
export function byStage(
  orders: Iterable<Order>,
  stageOfOrder: (order: Order) => Stage,
  before: Stages = NO_STAGES,
): Stages {
  const stages: Record<Stage, Order[]> = {
    new: [],
    preparing: [],
    ready: [],
    moving: [],
    held: [],
    done: [],
  };
  for (const order of orders) stages[stageOfOrder(order)].push(order);
  const sorted = (stage: Stage) =>
    sameOr(before[stage], stages[stage].sort(stage === "done" ? latestFirst : oldestFirst));
  return Object.fromEntries(STAGES.map((stage) => [stage, sorted(stage)])) as unknown as Stages;
}

/**
 * Those of the stages that are to be shown, with what of them matches. What is found as it was `before`, a key earlier, is
 * the same list.
 */
export function listed(
  stages: Stages,
  { stage, words }: Shown,
  before: readonly StageOrders[] = [],
): StageOrders[] {
  const wanted = plain(words);
  const matching = (each: Stage) => {
    if (wanted === "") return stages[each];
    const found = stages[each].filter((order) => textOf(order).includes(wanted));
    if (found.length === stages[each].length) return stages[each];
    return sameOr(before.find((former) => former.stage === each)?.orders, found);
  };
  return STAGES.filter((candidate) => stage === "all" || stage === candidate).map((each) => ({
    stage: each,
    orders: matching(each),
  }));
}

/** `former`, where it holds the same as `list`. */
function sameOr(former: readonly Order[] | undefined, list: readonly Order[]): readonly Order[] {
  const isSame = list.length === former?.length && list.every((order, index) => order === former[index]);
  return isSame ? former : list;
}

/** What of an order is searched, made once for each of its versions: a key pressed looks through all of them. */
const TEXTS = new WeakMap<Order, string>();

function textOf(order: Order): string {
  let text = TEXTS.get(order);
  if (text === undefined) {
    const { number, customerInfo, shippingInfo, cartItems } = order;
    const parts: unknown[] = [
      `#${number}`,
      customerInfo.name,
      customerInfo.mobile,
      customerInfo.email,
      shippingInfo?.line1,
      shippingInfo?.city,
      ...cartItems.flatMap(({ name, note }) => [name, note]),
    ];
    text = plain(parts.filter((part) => typeof part === "string").join("\n"));
    TEXTS.set(order, text);
  }
  return text;
}

/** As it is compared: in small letters, and with the digits of every language as `0` to `9`. */
function plain(text: string): string {
  const bengali = (digit: string) => String(digit.charCodeAt(0) - 0x09e6);
  return text.trim().toLowerCase().replace(/[০-৯]/g, bengali);
}

// Moments are compared as the texts that they are: of one form, and a language's own order costs a hundred times as much.
const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Since when it is due to be made: what is wanted later waits behind what is wanted now. */
const dueFrom = ({ requestedTime, createdAt }: Order): string => requestedTime ?? createdAt;

export function oldestFirst(a: Order, b: Order): number {
  return compared(dueFrom(a), dueFrom(b)) || a.number - b.number || compared(a.id, b.id);
}

/** By the last change: what has just ended comes first. */
export function latestFirst(a: Order, b: Order): number {
  return compared(b.updatedAt, a.updatedAt) || b.number - a.number || compared(b.id, a.id);
}
