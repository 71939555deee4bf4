import type { LiveSnapshot } from "@ordercast/client";
import { useEffect } from "react";
import { useSessionStore } from "./session";

/** How the server says that a token is worth nothing (any more). */
const REFUSED_TOKEN = /^token_(expired|invalid|malformed|revoked)$/;

/** Asks for a new sign-in once the connection is refused, or the time that was given at sign-in is over. */
export function useEndOfSession({ problem, state }: LiveSnapshot): void {
  const signOut = useSessionStore((store) => store.signOut);
  const expiresAt_ms = useSessionStore((store) => store.session?.expiresAt_ms);
  useEffect(() => {
    if (state === "disconnected" && problem !== undefined && REFUSED_TOKEN.test(problem.code)) signOut();
  }, [state, problem, signOut]);
  useEffect(() => {
    if (expiresAt_ms === undefined) return;
    const left_ms = expiresAt_ms - Date.now();
    // A timer's delay is a signed 32-bit number; what lasts longer is not waited for.
    if (left_ms > 2 ** 31 - 1) return;
    const timer = setTimeout(signOut, Math.max(left_ms, 0));
    return () => clearTimeout(timer);
  }, [expiresAt_ms, signOut]);
}
