import { Live, type LiveOptions, type LiveSnapshot } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { configQuery } from "../api/shop";
import { reconnectEarly } from "./reconnect-early";

/**
 * A connection for as long as the component is shown, to where the server's configuration says.
 *
 * Another token is another connection; a function that gives the token of now, always the same one, is none.
 */
export function useLive(token?: LiveOptions["token"]): { live: Live; snapshot: LiveSnapshot } {
  const config = useQuery(configQuery);
  const url = config.data?.socketUrl;
  const live = useMemo(() => new Live({ url, token }), [url, token]);
  // Without an answer our own origin is tried: the socket may be reachable when the API is not.
  const settled = !config.isPending;
  useEffect(() => {
    if (!settled) return;
    live.connect();
    const stop = reconnectEarly(live);
    return () => {
      stop();
      live.disconnect();
    };
  }, [live, settled]);
  return { live, snapshot: useSnapshot(live) };
}

export function useSnapshot(live: Live): LiveSnapshot {
  return useSyncExternalStore(live.subscribe, live.getSnapshot);
}
