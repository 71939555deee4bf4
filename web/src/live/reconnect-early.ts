import type { Live } from "@ordercast/client";

/** How long the answer of a connection may take that has slept, before it counts as dead. */
const AWAKE_WITHIN_MS = 4_000;
const LOOK_EVERY_MS = 5_000;
/** A timer that is so late has slept. */
const SLEPT_MS = 20_000;

/**
 * Reconnects when the network is back, instead of waiting for the next try's turn; and after a sleep, when a connection
 * that looks alive has no other end any more.
 */
export function reconnectEarly(live: Live): () => void {
  const { socket } = live;
  const anew = () => {
    socket.disconnect();
    socket.connect();
  };
  const online = () => {
    if (!socket.connected && socket.active) anew();
  };
  const awake = () => {
    if (!socket.connected) {
      online();
      return;
    }
    socket.timeout(AWAKE_WITHIN_MS).emit("echo", (late: Error | null) => {
      if (late !== null && socket.connected) anew();
    });
  };
  let looked_ms = Date.now();
  const timer = setInterval(() => {
    const now_ms = Date.now();
    if (now_ms - looked_ms > SLEPT_MS) awake();
    looked_ms = now_ms;
  }, LOOK_EVERY_MS);
  addEventListener("online", awake);
  addEventListener("pageshow", online);
  document.addEventListener("resume", awake);
  return () => {
    clearInterval(timer);
    removeEventListener("online", awake);
    removeEventListener("pageshow", online);
    document.removeEventListener("resume", awake);
  };
}
