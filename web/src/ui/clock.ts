import { useSyncExternalStore } from "react";

const TICK_MS = 10_000;
const listeners = new Set<() => void>();
let now_ms = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

// One timer for every age on the page, running only while one is shown.
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  now_ms = Date.now();
  for (const listener of listeners) listener();
}

/** The time, moving every ten seconds. */
export function useNow_ms(): number {
  return useSyncExternalStore(subscribe, () => now_ms);
}
