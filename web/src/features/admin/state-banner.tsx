import type { Live } from "@ordercast/client";
import { useEffect, useState } from "react";
import { useNow_ms } from "../../ui/clock";
import { useText } from "../../i18n/text";

/** Since when this board has heard nothing; undefined while it hears everything, and before it has begun to. */
export function useLostSince(live: Live): string | undefined {
  const [since, setSince] = useState<string>();
  useEffect(() => {
    let wasConnected = live.getSnapshot().state === "connected";
    return live.subscribe(() => {
      const isConnected = live.getSnapshot().state === "connected";
      if (isConnected) setSince(undefined);
      else if (wasConnected) setSince(new Date().toISOString());
      wasConnected = isConnected;
    });
  }, [live]);
  useEffect(() => comeBackEarly(live), [live]);
  return since;
}

/** How long the answer of a connection may take that has slept, before it counts as dead. */
const AWAKE_WITHIN_MS = 4_000;
const LOOK_EVERY_MS = 5_000;
/** A timer that is so late has slept. */
const SLEPT_MS = 20_000;

/**
 * Reconnects when the network is back, instead of waiting for the next try's turn; and after a sleep, when a connection
 * that looks alive has no other end any more.
 */
function comeBackEarly(live: Live): () => void {
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

/** From then on what is shown is called what it is: old. */
const STALE_AFTER_MS = 60_000;

/** Says over the whole width that what is shown is not of now. */
export function StateBanner({ since }: { since: string | undefined }) {
  const { t, time } = useText();
  const now_ms = useNow_ms();
  const isStale = since !== undefined && now_ms - Date.parse(since) > STALE_AFTER_MS;
  return (
    <div role="status">
      {since !== undefined && (
        <p
          className="state-banner"
          data-testid="state-banner"
          data-state={isStale ? "stale" : "reconnecting"}
        >
          {t(isStale ? "admin.stale" : "admin.lost", { time: time(since) })}
        </p>
      )}
    </div>
  );
}
