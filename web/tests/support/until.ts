const PATIENCE_MS = 5_000;

/** Waits until `holds` answers something; fails with its name after five seconds. */
export async function until<T>(what: string, holds: () => T | undefined | false | null): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = holds();
    if (found !== undefined && found !== false && found !== null) return found;
    if (Date.now() > deadline) throw new Error(`Still waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
