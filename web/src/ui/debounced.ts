import { useEffect, useState } from "react";

/** `text` as it was when it last stood still for `pause_ms`. */
export function useDebounced(text: string, pause_ms: number): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pause_ms);
    return () => clearTimeout(timer);
  }, [text, pause_ms]);
  return settled;
}
