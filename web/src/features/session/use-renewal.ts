import type { Live } from "@ordercast/client";
import { useEffect, useState } from "react";
import { renewSession } from "./renew";
import { currentToken, useSessionStore } from "./session";

/** A renewal is begun so long before it is needed, or at half time where less is left. */
const AHEAD_MS = 2 * 60_000;
const AGAIN_AFTER_MS = 10_000;
// A timer's delay is a signed 32-bit number; what lasts longer is looked at again then.
const DELAY_MAX_MS = 2 ** 31 - 1;

/** Renews the token before its end, and shows the new one on the connection, where the page has one. */
export function useRenewal(live?: Live): void {
  const expiresAt_ms = useSessionStore((store) => store.session?.expiresAt_ms);
  const [failures, setFailures] = useState(0);
  useEffect(() => {
    if (expiresAt_ms === undefined) return;
    const left_ms = expiresAt_ms - Date.now();
    const delay_ms = failures > 0 ? AGAIN_AFTER_MS : left_ms - Math.min(AHEAD_MS, left_ms / 2);
    const timer = setTimeout(
      () => {
        void renewAndShow(live).then((renewed) => setFailures((count) => (renewed ? 0 : count + 1)));
      },
      Math.min(Math.max(delay_ms, 0), DELAY_MAX_MS),
    );
    return () => clearTimeout(timer);
  }, [live, expiresAt_ms, failures]);
}

async function renewAndShow(live: Live | undefined): Promise<boolean> {
  const renewed = await renewSession();
  const token = currentToken();
  // Not taken, the connection ends when its token does, and comes back with the one of then.
  if (renewed && token !== undefined) await live?.renew(token).catch(() => undefined);
  return renewed;
}
