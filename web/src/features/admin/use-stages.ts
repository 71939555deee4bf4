import { useMemo } from "react";
import { useStore } from "zustand";
import type { Board } from "./board";
import { listed, type Shown, type StageOrders } from "./stages";

/** The stages to be shown, and whether nothing that is looked for is there. */
export function useStages(
  board: Board,
  shown: Shown,
): { stages: StageOrders[]; searching: boolean; none: boolean } {
  const all = useStore(board.store, (state) => state.stages);
  const stages = useMemo(() => listed(all, shown), [all, shown]);
  const searching = shown.words.trim() !== "";
  return { stages, searching, none: searching && stages.every((stage) => stage.orders.length === 0) };
}
