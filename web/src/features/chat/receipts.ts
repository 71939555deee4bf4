import { CommandRefused, type Live } from "@ordercast/client";
import { passes } from "../../api/passing";

type ReceiptCommand = "mark_seen" | "mark_delivered";

const AGAIN_AFTER_MS = 5_000;

/**
 * Tells the server how far this screen has come in a conversation, one command at a time: what comes meanwhile goes
 * with the next.
 */
export class Receipts {
  readonly #reached = new Map<string, number>();
  readonly #told = new Map<string, number>();
  readonly #busy = new Set<string>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    private readonly live: Live,
    private readonly command: ReceiptCommand,
  ) {}

  reach(conversationId: string, position: number): void {
    this.#reached.set(conversationId, Math.max(position, this.#reached.get(conversationId) ?? 0));
    void this.#tell(conversationId);
  }

  /** What could not be told while there was no connection. */
  again(): void {
    for (const conversationId of this.#reached.keys()) void this.#tell(conversationId);
  }

  stop(): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
  }

  async #tell(conversationId: string): Promise<void> {
    if (this.#busy.has(conversationId)) return;
    this.#busy.add(conversationId);
    try {
      for (;;) {
        const position = this.#reached.get(conversationId) ?? 0;
        if (position <= (this.#told.get(conversationId) ?? 0)) return;
        if (this.live.getSnapshot().state !== "connected") return;
        await this.live.command(this.command, { conversationId, position });
        this.#told.set(conversationId, position);
      }
    } catch (error) {
      // Without an answer it is told at the next connection; what was refused, such as too much at once, in a while.
      if (error instanceof CommandRefused && passes(error)) this.#tellLater(conversationId);
    } finally {
      this.#busy.delete(conversationId);
    }
  }

  #tellLater(conversationId: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#tell(conversationId);
    }, AGAIN_AFTER_MS);
    this.#timers.add(timer);
  }
}
