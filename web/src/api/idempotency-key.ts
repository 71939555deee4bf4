/** `randomUUID` is missing where the page came over plain http from another machine. */
export function randomKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** The Idempotency-Key of what is being asked: the same for the same body, so that asking again does nothing twice. */
export class IdempotencyKey {
  #body: string | undefined;
  #key = "";

  for(body: unknown): string {
    const text = JSON.stringify(body);
    if (text !== this.#body) {
      this.#body = text;
      this.#key = randomKey();
    }
    return this.#key;
  }
}
