import type { CommandRefused, Live } from "@ordercast/client";
import type { Message } from "../../api/conversations";
import { SerialSender } from "../../live/serial-sender";
import { useOutbox, type Waiting } from "./outbox";

/** Sends the messages that wait. */
export class Sender extends SerialSender<Waiting> {
  readonly #listeners = new Set<(message: Message) => void>();

  constructor(
    live: Live,
    private readonly writer: string,
  ) {
    super(live, useOutbox.subscribe);
  }

  /** Calls `listener` with each message as the server wrote it, before it stops waiting. Returns how to stop. */
  onSent(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected first(): Waiting | undefined {
    return useOutbox
      .getState()
      .waiting.find(({ writer, refusal }) => writer === this.writer && refusal === undefined);
  }

  protected async send({ clientId, conversationId, text }: Waiting): Promise<void> {
    const message = await this.live.command("send_message", { conversationId, text, clientId });
    for (const listener of this.#listeners) listener(message);
    useOutbox.getState().remove(clientId);
  }

  protected refused({ clientId }: Waiting, error: CommandRefused): void {
    useOutbox.getState().refuse(clientId, error.message);
  }
}
