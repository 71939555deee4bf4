import { CommandRefused, type Live } from "@ordercast/client";
import { passes } from "../api/passing";

const AGAIN_AFTER_MS = 3_000;

/**
 * Sends what waits in a queue, one command after the other, so that the server gets them in the order in which they
 * were made. One that is not answered is sent again when there is a connection; its client id lets it be done once.
 */
export abstract class SerialSender<Item> {
  #busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    protected readonly live: Live,
    /** Calls back whenever the queue has changed. Returns how to stop. */
    private readonly subscribe: (changed: () => void) => () => void,
  ) {}

  /** The first in the queue that is to be sent. */
  protected abstract first(): Item | undefined;

  /** Sends it, and takes it out of the queue once it is answered. Rejects as `Live.command` does. */
  protected abstract send(item: Item): Promise<void>;

  /** Keeps the item from being sent again: the server will never take it as it is. */
  protected abstract refused(item: Item, error: CommandRefused): void;

  /** Sends whenever there is something and a connection. Returns how to stop. */
  start(): () => void {
    const go = () => void this.#run();
    const stops = [this.live.subscribe(go), this.subscribe(go)];
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
      for (let item = this.#next(); item !== undefined; item = this.#next()) {
        if (await this.#isSettled(item)) continue;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => void this.#run(), AGAIN_AFTER_MS);
        return;
      }
    } finally {
      this.#busy = false;
    }
  }

  #next(): Item | undefined {
    return this.live.getSnapshot().state === "connected" ? this.first() : undefined;
  }

  /** Sends the item; whether it is done with, be it that it was taken or that it never will be. */
  async #isSettled(item: Item): Promise<boolean> {
    try {
      await this.send(item);
    } catch (error) {
      // Not answered, or with what cannot be read: under its client id it may be sent again.
      if (!(error instanceof CommandRefused) || passes(error)) return false;
      this.refused(item, error);
    }
    return true;
  }
}
