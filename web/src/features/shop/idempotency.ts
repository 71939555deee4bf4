import { randomKey } from "../../api/idempotency-key";
import type { NewOrder } from "../../api/orders";

/**
 * The Idempotency-Key of the order being placed.
 *
 * It stays the same until that order has succeeded, over lost answers and reloads, so that pressing the button again
 * can never order twice. Another order is another key: the server refuses an old key with a new body.
 */
const STORED_AS = "ordercast.attempt";

interface StoredKey {
  key: string;
  /** Of the order, so that neither names nor tokens are stored here. */
  fingerprint: string;
}

export function keyFor(order: NewOrder): string {
  const fingerprint = fingerprintOf(JSON.stringify(order));
  const current = stored();
  if (current?.fingerprint === fingerprint) return current.key;
  const key = randomKey();
  sessionStorage.setItem(STORED_AS, JSON.stringify({ key, fingerprint } satisfies StoredKey));
  return key;
}

export function forgetKey(): void {
  sessionStorage.removeItem(STORED_AS);
}

function stored(): StoredKey | undefined {
  const text = sessionStorage.getItem(STORED_AS);
  return text === null ? undefined : (JSON.parse(text) as StoredKey);
}

/** Two FNV-1a sums; it tells this tab's last order from the next and has nothing to defend. */
function fingerprintOf(text: string): string {
  const sums = [0x811c9dc5, 0x01000193].map((start) => {
    let sum = start;
    for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193) >>> 0;
    return sum.toString(16);
  });
  return sums.join("-");
}
