import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";
import { type Shown, STAGES } from "./stages";

/** What is to be shown, kept in the address: a reload and a bookmark show the same. */
export function useShown(): [Shown, (shown: Shown) => void] {
  const [query, setQuery] = useSearchParams();
  const wanted = query.get("stage");
  const words = query.get("q") ?? "";
  const shown = useMemo(
    () => ({ stage: STAGES.find((stage) => stage === wanted) ?? "all", words }) as const,
    [wanted, words],
  );
  const show = useCallback(
    ({ stage, words }: Shown) =>
      setQuery(
        (before) => {
          const after = new URLSearchParams(before);
          for (const [name, value] of [
            ["stage", stage === "all" ? "" : stage],
            ["q", words],
          ] as const)
            if (value === "") after.delete(name);
            else after.set(name, value);
          return after;
        },
        // Not a page for each key pressed.
        { replace: true },
      ),
    [setQuery],
  );
  return [shown, show];
}
