import type { Live } from "@ordercast/client";
import { useEffect, useState } from "react";
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
  useEffect(() => {
    // The network is back: the next try need not wait for its turn.
    const again = () => {
      const { socket } = live;
      if (socket.connected || !socket.active) return;
      socket.disconnect();
      socket.connect();
    };
    addEventListener("online", again);
    return () => removeEventListener("online", again);
  }, [live]);
  return since;
}

/** Says over the whole width that what is shown is not of now. */
export function StateBanner({ since }: { since: string | undefined }) {
  const { t, time } = useText();
  return (
    <div role="status">
      {since !== undefined && (
        <p className="state-banner" data-testid="state-banner">
          {t("admin.lost", { time: time(since) })}
        </p>
      )}
    </div>
  );
}
