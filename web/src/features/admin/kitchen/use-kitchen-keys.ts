import { type RefObject, useEffect } from "react";

const STEPS: Record<string, number | undefined> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
};
const TYPED_INTO = "input, select, textarea, [role=menu]";

/** The kitchen by keys: arrows or a ticket's place go to it, Enter bumps it, `p` prints it, `r` recalls the last one. */
export function useKitchenKeys(page: RefObject<HTMLElement | null>, onRecall: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : document.body;
      const isElsewhere =
        target.closest(TYPED_INTO) !== null || document.querySelector("dialog[open]") !== null;
      if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere) return;
      if (act(event, target)) event.preventDefault();
    };
    const act = ({ key, repeat }: KeyboardEvent, target: Element): boolean => {
      const tickets = [...(page.current?.querySelectorAll<HTMLElement>(".kitchen-ticket") ?? [])];
      const here = tickets.findIndex((ticket) => ticket.contains(target));
      const step = STEPS[key];
      if (step !== undefined) return go(tickets[here === -1 ? 0 : here + step]);
      if (/^[1-9]$/.test(key)) return go(tickets[Number(key) - 1]);
      if (key === "r") {
        onRecall();
        return true;
      }
      const ticket = tickets[here];
      if (key === "p") return click(ticket, "[data-print]");
      // A key that is held down bumps one order, not all of them.
      return key === "Enter" && target === ticket && !repeat && click(ticket, "[data-bump]");
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [page, onRecall]);
}

function go(ticket: HTMLElement | undefined): boolean {
  ticket?.focus({ preventScroll: true });
  ticket?.scrollIntoView({ block: "nearest" });
  return ticket !== undefined;
}

function click(ticket: HTMLElement | undefined, what: string): boolean {
  const button = ticket?.querySelector<HTMLElement>(what);
  button?.click();
  return button != null;
}
