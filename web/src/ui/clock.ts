import { useSyncExternalStore } from "react";

/** One timer for all on the page that show the time, running only while one does. */
function clock(tick_ms: number): () => number {
  const listeners = new Set<() => void>();
  let now_ms = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;

  const tick = () => {
    now_ms = Date.now();
    for (const listener of listeners) listener();
  };
  const subscribe = (listener: () => void) => {
    if (listeners.size === 0) now_ms = Date.now();
    listeners.add(listener);
    timer ??= setInterval(tick, tick_ms);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  };
  return () => useSyncExternalStore(subscribe, () => now_ms);
}

/** The time, moving every ten seconds. */
export const useNow_ms = clock(10_000);

/** The time, moving every second. */
export const useSecond_ms = clock(1_000);
