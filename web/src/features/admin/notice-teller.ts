import { CommandRefused, type Live } from "@ordercast/client";

/** As many as the server takes at once. */
const AT_ONCE_MAX = 200;

/**
 * Tells the server which orders this screen has painted, and which its person has opened.
 *
 * Only while the page is visible: what a tab in the background holds, nobody can see. What could not be told is told when
 * the connection is back.
 */
export class NoticeTeller {
  readonly #live: Live;
  readonly #painted = new Set<string>();
  readonly #opened = new Set<string>();
  /** Of both kinds, so that no card tells twice. */
  readonly #told = new Set<string>();
  #frame: number | undefined;
  #telling = false;

  constructor(live: Live) {
    this.#live = live;
  }

  /** Watches the page and the connection until the returned function is called. */
  start(): () => void {
    const again = () => this.#tellSoon();
    const stop = this.#live.subscribe(again);
    document.addEventListener("visibilitychange", again);
    again();
    return () => {
      stop();
      document.removeEventListener("visibilitychange", again);
      if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
      this.#frame = undefined;
    };
  }

  /** A card of an order that waits is on the page; called once it is in the document. */
  painted(id: string): void {
    if (!this.#told.has(`painted ${id}`)) this.#painted.add(id);
    this.#tellSoon();
  }

  /** The person has unfolded it. */
  opened(id: string): void {
    if (!this.#told.has(`opened ${id}`)) this.#opened.add(id);
    this.#tellSoon();
  }

  /** With the frame that shows the cards: one batch for all of them, and none while the browser paints nothing. */
  #tellSoon(): void {
    if (this.#frame !== undefined || this.#painted.size + this.#opened.size === 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = undefined;
      void this.#tell();
    });
  }

  async #tell(): Promise<void> {
    const canTell = document.visibilityState === "visible" && this.#live.getSnapshot().state === "connected";
    if (!canTell || this.#telling) return;
    this.#telling = true;
    let done = true;
    const painted = [...this.#painted].slice(0, AT_ONCE_MAX);
    if (painted.length > 0)
      done = await this.#answered(
        painted,
        "painted",
        this.#live.command("notice_received", { orderIds: painted }),
      );
    const [opened] = this.#opened;
    if (done && opened !== undefined)
      done = await this.#answered(
        [opened],
        "opened",
        this.#live.command("notice_opened", { orderId: opened }),
      );
    this.#telling = false;
    if (done) this.#tellSoon();
  }

  /** Whether the server has answered. What it refuses is not told again; what it does not answer, at the next occasion. */
  async #answered(ids: string[], what: "painted" | "opened", answer: Promise<unknown>): Promise<boolean> {
    try {
      await answer;
    } catch (error) {
      if (!(error instanceof CommandRefused)) return false;
    }
    for (const id of ids) {
      this.#told.add(`${what} ${id}`);
      (what === "painted" ? this.#painted : this.#opened).delete(id);
    }
    return true;
  }
}
