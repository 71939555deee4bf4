import { useEffect } from "react";
import type { Board } from "./board";
import { type Stage, STAGES } from "./stages";

/** Keeps which cancelled orders nobody has seen yet: a reload must not take them off the screen. */
export function useKeptCancelled(board: Board, userId: string): void {
  useEffect(() => {
    const key = `ordercast.cancelled.${userId}`;
    board.setCancelled(read(localStorage.getItem(key)));
    return board.store.subscribe(({ cancelled }, before) => {
      if (cancelled === before.cancelled) return;
      if (cancelled.size === 0) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify([...cancelled]));
    });
  }, [board, userId]);
}

function read(text: string | null): Map<string, Stage> {
  try {
    const kept = JSON.parse(text ?? "[]") as [string, Stage][];
    return new Map(kept.filter(([, stage]) => STAGES.includes(stage)));
  } catch {
    return new Map();
  }
}
