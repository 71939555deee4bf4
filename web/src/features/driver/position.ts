import type { Live } from "@ordercast/client";
import { useEffect, useState } from "react";

export type Sharing =
  { state: "off" | "searching" | "denied" | "unavailable" | "unsent" } | { state: "shared"; at: string };

/** The buyer's page moves at most once a second; a battery lasts longer so. */
const SEND_EVERY_MS = 5_000;
/** A place older than this is not where the driver is. */
const AGE_MS_MAX = 15_000;

/** Reports where this telephone is for as long as `wanted`; says how that stands. */
export function usePosition(live: Live, wanted: boolean): Sharing {
  const [sharing, setSharing] = useState<Sharing>({ state: "off" });
  useEffect(() => {
    if (!wanted) return;
    return report(live, setSharing);
  }, [live, wanted]);
  return wanted ? sharing : { state: "off" };
}

function report(live: Live, tell: (sharing: Sharing) => void): () => void {
  // Typed as always there; a page that came over plain http has none.
  const geolocation = navigator.geolocation as Geolocation | undefined;
  tell({ state: geolocation === undefined ? "unavailable" : "searching" });
  if (geolocation === undefined) return () => undefined;
  let sentAt_ms = -Infinity;
  const send = ({ coords, timestamp }: GeolocationPosition) => {
    const now_ms = Date.now();
    if (now_ms - sentAt_ms < SEND_EVERY_MS || now_ms - timestamp > AGE_MS_MAX) return;
    if (live.getSnapshot().state !== "connected") {
      tell({ state: "unsent" });
      return;
    }
    sentAt_ms = now_ms;
    const { latitude, longitude, accuracy } = coords;
    live.command("driver_location", { lat: latitude, lng: longitude, accuracy }).then(
      () => tell({ state: "shared", at: new Date(now_ms).toISOString() }),
      () => tell({ state: "unsent" }),
    );
  };
  const fail = ({ code, PERMISSION_DENIED }: GeolocationPositionError) =>
    tell({ state: code === PERMISSION_DENIED ? "denied" : "searching" });
  const watch = geolocation.watchPosition(send, fail, { enableHighAccuracy: true, maximumAge: AGE_MS_MAX });
  return () => geolocation.clearWatch(watch);
}
