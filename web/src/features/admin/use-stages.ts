import { useMemo, useState } from "react";
import { useStore } from "zustand";
import type { Board } from "./board";
import { listed, type Shown, type StageOrders, type Stages } from "./stages";

/** The stages to be shown, and whether nothing that is looked for is there. */
export function useStages(
  board: Board,
  shown: Shown,
): { stages: StageOrders[]; searching: boolean; none: boolean } {
  const all = useStore(board.store, (state) => state.stages);
  const [found] = useState(() => new Found());
  const stages = useMemo(() => found.among(all, shown), [found, all, shown]);
  const searching = shown.words.trim() !== "";
  return { stages, searching, none: searching && stages.every((stage) => stage.orders.length === 0) };
}

/** Remembers what was found last: a key that finds the same changes nothing. */
class Found {
  #last: StageOrders[] = [];

  among(all: Stages, shown: Shown): StageOrders[] {
    this.#last = listed(all, shown, this.#last);
    return this.#last;
  }
}
