import type { Live } from "@ordercast/client";

/** It holds for six seconds with the others, and is told them every two and a half at most. */
const AGAIN_AFTER_MS = 2_500;

/** Tells the others that one is typing, and that one has stopped. It may be lost: it is true for a moment alone. */
export class TypingSignal {
  #told_ms: number | undefined;

  constructor(
    private readonly live: Live,
    private readonly conversationId: string,
  ) {}

  go(): void {
    const now_ms = performance.now();
    if (this.#told_ms !== undefined && now_ms - this.#told_ms < AGAIN_AFTER_MS) return;
    if (this.#tell(true)) this.#told_ms = now_ms;
  }

  stop(): void {
    if (this.#told_ms === undefined) return;
    this.#told_ms = undefined;
    this.#tell(false);
  }

  #tell(typing: boolean): boolean {
    const { live, conversationId } = this;
    // What is said without a connection would be said later, when it is not true any more.
    if (live.getSnapshot().state !== "connected") return false;
    live.command("typing", { conversationId, typing }).catch(() => undefined);
    return true;
  }
}
