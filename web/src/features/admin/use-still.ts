import type { Order } from "@ordercast/client";
import { type PointerEvent, useEffect, useRef, useState } from "react";

/** One place in a column; `gone` where its order has left it and the place is only kept. */
export interface Place {
  order: Order;
  gone: boolean;
}

/**
 * How long after the pointer's last movement the column stands still: longer than the pause between two taps, and not
 * as long as a mouse is left lying on it.
 */
const STILL_FOR_MS = 3_000;

/**
 * A column that stands still while somebody points at it: what leaves keeps its place, and what would come in between
 * waits to be let in. What comes at the end moves nothing.
 */
export function useStill(orders: readonly Order[], searching: boolean) {
  const [held, setHeld] = useState<readonly Order[]>();
  // Another search is another list, in which nothing stands still from the one before.
  const [wasSearching, setWasSearching] = useState(searching);
  if (searching !== wasSearching) {
    setWasSearching(searching);
    setHeld(undefined);
  }
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const { places, waiting } = held ? still(held, orders) : { places: all(orders), waiting: 0 };
  const hold = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setHeld(undefined), STILL_FOR_MS);
    setHeld((before) => before ?? orders);
  };
  return {
    places,
    waiting,
    letIn: () => setHeld(orders),
    pointing: {
      onPointerEnter: hold,
      onPointerMove: hold,
      onPointerDown: hold,
      // A finger leaves the glass after each tap, perhaps for the second of two.
      onPointerLeave: ({ pointerType }: PointerEvent) => {
        if (pointerType !== "touch") setHeld(undefined);
      },
    },
  };
}

const all = (orders: readonly Order[]): Place[] => orders.map((order) => ({ order, gone: false }));

export function still(
  held: readonly Order[],
  orders: readonly Order[],
): { places: Place[]; waiting: number } {
  const now = new Map(orders.map((order) => [order.id, order]));
  const known = new Set(held.map(({ id }) => id));
  const kept = held.map((before) => {
    const order = now.get(before.id);
    return { order: order ?? before, gone: order === undefined };
  });
  const last = orders.findLastIndex(({ id }) => known.has(id));
  const isNew = ({ id }: Order) => !known.has(id);
  return {
    places: [...kept, ...all(orders.slice(last + 1).filter(isNew))],
    waiting: orders.slice(0, last + 1).filter(isNew).length,
  };
}
