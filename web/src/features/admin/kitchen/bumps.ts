import type { Order } from "@ordercast/client";
import { create } from "zustand";
import type { Board } from "../board";
import type { Moves } from "../moves";

/** Nobody calls back more than the last few. */
const RECALLS_MAX = 20;

interface BumpState {
  /** What was bumped here, the last one last. */
  bumped: readonly string[];
  /** Called back to be looked at, though they are ready: they cannot be prepared again. */
  recalled: readonly string[];
  bump: (id: string) => void;
  recall: (board: Board, moves: Moves) => void;
  dismiss: (id: string) => void;
}

const without = (ids: readonly string[], id: string) => ids.filter((each) => each !== id);

/** What this kitchen has sent off, so that it can be called back. */
export const useBumps = create<BumpState>()((set, get) => ({
  bumped: [],
  recalled: [],
  bump: (id) => set(({ bumped }) => ({ bumped: [...without(bumped, id), id].slice(-RECALLS_MAX) })),
  recall: (board, moves) => {
    const last = get().bumped.at(-1);
    if (last === undefined) return;
    set(({ bumped }) => ({ bumped: without(bumped, last) }));
    const press = board.store.getState().moves.get(last)?.at(-1);
    // What has not been sent is taken back; what has stays ready, and is shown once more.
    if (press?.state === "undoable") moves.undo(last);
    else set(({ recalled }) => ({ recalled: [...without(recalled, last), last] }));
  },
  dismiss: (id) => set(({ recalled }) => ({ recalled: without(recalled, id) })),
}));

/** The orders that were called back and are on the board still. */
export const recalledIn = (orders: ReadonlyMap<string, Order>, ids: readonly string[]): Order[] =>
  ids.flatMap((id) => orders.get(id) ?? []).filter(({ status }) => status !== "processing");
