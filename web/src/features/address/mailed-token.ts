import { useEffect, useState } from "react";

/**
 * The token of the mailed link that led here. It stands behind the `#`, which is sent to nobody, and is taken out of the
 * address at once: a browser's history is read by others.
 */
export function useMailedToken(): string {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get("token") ?? "");
  useEffect(() => {
    if (location.hash !== "") history.replaceState(history.state, "", location.pathname + location.search);
  }, []);
  return token;
}
