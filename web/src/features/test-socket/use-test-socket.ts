import { Live } from "@ordercast/client";
import { useCallback, useEffect, useMemo, useState } from "react";

export const TRANSPORTS = {
  both: ["polling", "websocket"],
  polling: ["polling"],
  websocket: ["websocket"],
} as const;
export type TransportChoice = keyof typeof TRANSPORTS;

export interface TestSettings {
  /** As typed; null until then. */
  url: string | null;
  transports: TransportChoice;
}

export const AT_FIRST: TestSettings = { url: null, transports: "both" };

export interface LogEntry {
  id: number;
  at: string;
  name: string;
  detail: string;
}

const ENTRIES_MAX = 200;

/** A socket without a token for those settings, and a record of all that it meets. */
export function useTestSocket({ url, transports }: TestSettings, settled: boolean) {
  const live = useMemo(
    () => new Live({ url: url ?? undefined, socket: { transports: [...TRANSPORTS[transports]] } }),
    [url, transports],
  );
  const { entries, log, clear } = useLog();
  useEffect(() => {
    if (!settled) return;
    const stops = [live.onAny((name, args) => log(name, args.map(written).join(", "))), logStates(live, log)];
    live.connect();
    return () => {
      for (const stop of stops) stop();
      live.disconnect();
    };
  }, [live, log, settled]);
  return { live, entries, clear };
}

type Log = (name: string, detail: string) => void;

function useLog() {
  const [entries, setEntries] = useState<LogEntry[]>([]);
  const log = useCallback<Log>((name, detail) => {
    const at = new Date().toISOString();
    setEntries((before) =>
      [{ id: (before[0]?.id ?? 0) + 1, at, name, detail }, ...before].slice(0, ENTRIES_MAX),
    );
  }, []);
  const clear = useCallback(() => setEntries([]), []);
  return { entries, log, clear };
}

/** Writes down each change of state and of transport, which are not events of the server. */
function logStates(live: Live, log: Log): () => void {
  let before = live.getSnapshot();
  return live.subscribe(() => {
    const now = live.getSnapshot();
    if (now.state !== before.state) log(now.state, now.problem?.message ?? now.socketId ?? "");
    else if (now.problem !== before.problem && now.problem) log(now.state, now.problem.message);
    if (now.transport !== before.transport && now.transport !== undefined) {
      log(
        "transport",
        before.transport === undefined ? now.transport : `${before.transport} → ${now.transport}`,
      );
    }
    before = now;
  });
}

export function written(value: unknown): string {
  return value instanceof ArrayBuffer ? `<${value.byteLength} bytes>` : JSON.stringify(value);
}
