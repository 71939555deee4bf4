import type { Live, LiveSnapshot } from "@ordercast/client";
import { useEffect } from "react";
import { renewSession } from "./renew";
import { useSessionStore } from "./session";
import { useRenewal } from "./use-renewal";

/** How the server says that a token is worth nothing (any more). */
const REFUSED_TOKEN = /^token_(expired|invalid|malformed|revoked)$/;

/** Keeps whoever is signed in signed in: renews the token before its end, and once the connection is refused for it. */
export function useLastingSession(live: Live, { problem, state }: LiveSnapshot): void {
  useRenewal(live);
  const refused = state === "disconnected" && problem !== undefined && REFUSED_TOKEN.test(problem.code);
  useEffect(() => {
    if (!refused) return;
    void renewSession().then((renewed) => (renewed ? live.connect() : useSessionStore.getState().forget()));
  }, [live, refused]);
}
