import { type FocusEvent, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import type { Place } from "./use-still";

/**
 * The focus of a card that leaves its column goes to the next one there, or the one before; where there is none it follows
 * its card, and where that cannot be seen it stays in the column: never to the page's top.
 */
export function useKeptFocus(column: RefObject<HTMLElement | null>, places: readonly Place[]) {
  const focused = useRef<string>(undefined);
  const before = useRef<string[]>([]);
  const emptied = useRef(false);
  useLayoutEffect(() => {
    const present = new Set(places.filter(({ gone }) => !gone).map(({ order }) => order.id));
    const id = focused.current;
    if (id !== undefined && !present.has(id) && isFocusLost()) {
      const index = before.current.indexOf(id);
      const others = [...before.current.slice(index + 1), ...before.current.slice(0, index).toReversed()];
      const next = others.find((other) => present.has(other));
      focused.current = undefined;
      if (next === undefined) emptied.current = true;
      else cardOf(column.current, next)?.focus({ preventScroll: true });
    }
    before.current = places.map(({ order }) => order.id);
  }, [column, places]);
  // After the effects of all cards, one of which may have taken it.
  useEffect(() => {
    if (!emptied.current) return;
    emptied.current = false;
    queueMicrotask(() => {
      if (isFocusLost()) column.current?.focus({ preventScroll: true });
    });
  }, [column, places]);
  return {
    onFocus: ({ target }: FocusEvent) => {
      focused.current = target.closest<HTMLElement>("[data-order-id]")?.dataset["orderId"];
    },
    // Of an element that is taken away React tells no blur: then it is still known whose focus it was.
    onBlur: () => {
      focused.current = undefined;
    },
  };
}

/** Whether it is nowhere where anything could be done. */
export function isFocusLost(): boolean {
  const { activeElement } = document;
  return (
    activeElement === null || activeElement === document.body || activeElement.closest("[inert]") !== null
  );
}

const cardOf = (column: HTMLElement | null, id: string) =>
  [...(column?.querySelectorAll<HTMLElement>(".order:not([inert])") ?? [])].find(
    ({ dataset }) => dataset["orderId"] === id,
  );
