import { type MouseEvent, type ReactNode, useCallback } from "react";
import { useSearchParams } from "wouter";
import { navigate } from "wouter/use-browser-location";

const NAME = "order";

interface OpenedHere {
  openedHere?: boolean;
}

interface OrderLinkProps {
  id: string;
  className?: string;
  children: ReactNode;
}

/**
 * Opens an order over the page that it is on; going back closes it. A tab of its own shows it by itself.
 *
 * It asks for the address when it is pressed: of five hundred on a board none is drawn anew where that changes.
 */
export function OrderLink({ id, children, ...link }: OrderLinkProps) {
  const open = (event: MouseEvent) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const { pathname, search } = window.location;
    const wanted = new URLSearchParams(search);
    wanted.set(NAME, id);
    const state: OpenedHere = { openedHere: true };
    navigate(`${pathname}?${wanted.toString()}`, { state });
  };
  return (
    <a href={`/admin/orders/${encodeURIComponent(id)}`} data-testid="order-open" onClick={open} {...link}>
      {children}
    </a>
  );
}

/** The order that the address names, if it does, and how to close it. */
export function useOpenOrder(): [string | null, () => void] {
  const [query, setQuery] = useSearchParams();
  const close = useCallback(() => {
    if ((window.history.state as OpenedHere | null)?.openedHere) {
      window.history.back();
      return;
    }
    setQuery(
      (before) => {
        const after = new URLSearchParams(before);
        after.delete(NAME);
        return after;
      },
      { replace: true },
    );
  }, [setQuery]);
  return [query.get(NAME), close];
}
