import { CommandRefused, type Live } from "@ordercast/client";
import type { Message } from "../../api/conversations";
import { useOutbox, type Waiting } from "./outbox";
import { passes } from "../../api/passing";

const AGAIN_AFTER_MS = 3_000;

/**
 * Sends what waits, one message after the other, so that they arrive in the order in which they were written.
 *
 * One that is not answered is sent again under its client id when there is a connection, and written once.
 */
export class Sender {
  #busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<(message: Message) => void>();

  constructor(
    private readonly live: Live,
    private readonly writer: string,
  ) {}

  /** Calls `listener` with each message as the server wrote it, before it stops waiting. Returns how to stop. */
  onSent(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends whenever there is something and a connection. Returns how to stop. */
  start(): () => void {
    const go = () => void this.#run();
    const stops = [this.live.subscribe(go), useOutbox.subscribe(go)];
    go();
    return () => {
      stops.forEach((stop) => stop());
      clearTimeout(this.#timer);
    };
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        if (await this.#send(next)) continue;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => void this.#run(), AGAIN_AFTER_MS);
        return;
      }
    } finally {
      this.#busy = false;
    }
  }

  #next(): Waiting | undefined {
    if (this.live.getSnapshot().state !== "connected") return undefined;
    return useOutbox
      .getState()
      .waiting.find(({ writer, refusal }) => writer === this.writer && refusal === undefined);
  }

  /** Whether it is done with, be it that it was taken or that it never will be. */
  async #send({ clientId, conversationId, text }: Waiting): Promise<boolean> {
    try {
      const message = await this.live.command("send_message", { conversationId, text, clientId });
      for (const listener of this.#listeners) listener(message);
      useOutbox.getState().remove(clientId);
      return true;
    } catch (error) {
      // Not answered, or with what cannot be read: under its client id it may be sent again.
      if (!(error instanceof CommandRefused) || passes(error)) return false;
      useOutbox.getState().refuse(clientId, error.message);
      return true;
    }
  }
}
