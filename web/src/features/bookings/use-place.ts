import { useCallback } from "react";
import { useSearchParams } from "wouter";
import { addDays, daysFrom, isDay, mondayOf, today } from "../../i18n/zone";

export type View = "day" | "week";

interface Place {
  view: View;
  day: string;
  days: readonly string[];
  show: (view: View, day: string) => void;
  /** One day or week on, or back. */
  turn: (way: 1 | -1) => void;
}

/** Which days are looked at, kept in the address: a reload, a bookmark and whoever is sent it see the same. */
export function usePlace(zone: string): Place {
  const [query, setQuery] = useSearchParams();
  const asked = query.get("day");
  const day = isDay(asked) ? asked : today(zone);
  const view: View = query.get("view") === "week" ? "week" : "day";
  const show = useCallback(
    (next: View, at: string) => setQuery({ view: next, day: at }, { replace: true }),
    [setQuery],
  );
  return {
    view,
    day,
    days: view === "week" ? daysFrom(mondayOf(day), 7) : [day],
    show,
    turn: (way) => show(view, addDays(day, way * (view === "week" ? 7 : 1))),
  };
}
