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
  return since;
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
