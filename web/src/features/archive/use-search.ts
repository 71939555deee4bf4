import { STATUSES } from "@ordercast/client";
import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";
import type { OrderSearch } from "../../api/order-archive";
import { useDebounced } from "../../ui/debounced";

/** Of a key after the other the last is looked for. */
const TYPED_FOR_MS = 250;
const DAY = /^\d{4}-\d\d-\d\d$/;

interface Searching {
  /** As it stands in the fields, and in the address. */
  typed: OrderSearch;
  /** As it is asked of the server. */
  wanted: OrderSearch;
  change: (changes: Partial<OrderSearch>) => void;
}

/** What is looked for, kept in the address: a reload, a bookmark and whoever is sent it see the same. */
export function useSearch(): Searching {
  const [query, setQuery] = useSearchParams();
  const day = (name: string) => (DAY.test(query.get(name) ?? "") ? (query.get(name) ?? "") : "");
  const words = query.get("q") ?? "";
  const status: OrderSearch["status"] = STATUSES.find((each) => each === query.get("status")) ?? "";
  const [from, to] = [day("from"), day("to")];
  const settled = useDebounced(words, TYPED_FOR_MS);
  const typed = useMemo(() => ({ words, status, from, to }), [words, status, from, to]);
  const wanted = useMemo(() => ({ words: settled, status, from, to }), [settled, status, from, to]);
  const change = useCallback(
    ({ words, ...others }: Partial<OrderSearch>) =>
      setQuery(
        (before) => {
          const after = new URLSearchParams(before);
          const changes = { ...others, ...(words !== undefined && { q: words }) };
          for (const [name, value] of Object.entries(changes))
            if (value === "") after.delete(name);
            else after.set(name, value);
          return after;
        },
        // Not a page for each key pressed.
        { replace: true },
      ),
    [setQuery],
  );
  return { typed, wanted, change };
}
