import { type RefObject, useEffect } from "react";

type Direction = readonly [columns: number, cards: number];
const ARROWS: Record<string, Direction | undefined> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

const TYPED_INTO = "input, select, textarea, [contenteditable], [role=menu]";

/**
 * The board by keys alone: arrows from card to card, Enter for what a card is waiting for, `m` for what else it can do, `z`
 * to take back what was pressed last, `/` to search, `?` for help.
 */
export function useKeys(
  board: RefObject<HTMLElement | null>,
  { onHelp, onUndo }: { onHelp: () => void; onUndo: () => void },
): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : document.body;
      const isElsewhere =
        target.closest(TYPED_INTO) !== null || document.querySelector("dialog[open]") !== null;
      if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere || !act(event, target)) return;
      event.preventDefault();
    };
    const act = ({ key, repeat }: KeyboardEvent, target: Element): boolean => {
      const arrow = ARROWS[key];
      if (arrow) return go(board.current, target.closest<HTMLElement>(".order"), arrow);
      if (key === "/") board.current?.querySelector<HTMLElement>("input[type=search]")?.focus();
      else if (key === "?") onHelp();
      else if (key === "z") onUndo();
      else if (key === "m") target.closest(".order")?.querySelector<HTMLElement>(".button--more")?.click();
      else if (key === "Enter" && target.matches(".order")) {
        // A key that is held down accepts one order, not all of them.
        if (!repeat) target.querySelector<HTMLElement>("[data-primary]")?.click();
      } else return false;
      return true;
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [board, onHelp, onUndo]);
}

/** Moves the focus; from anywhere else to the first card. Answers whether there was one to go to. */
function go(board: HTMLElement | null, from: HTMLElement | null, [columns, cards]: Direction): boolean {
  const stages = [...(board?.querySelectorAll<HTMLElement>(".column") ?? [])]
    .map((column) => [...column.querySelectorAll<HTMLElement>(".order:not([inert])")])
    .filter((column) => column.length > 0);
  const stage = from === null ? -1 : stages.findIndex((column) => column.includes(from));
  const place = from === null ? -1 : (stages[stage]?.indexOf(from) ?? -1);
  const column = stages[stage === -1 ? 0 : stage + columns];
  const next = stage === -1 ? column?.[0] : column?.[Math.min(place + cards, column.length - 1)];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest", inline: "nearest" });
  return next !== undefined;
}
