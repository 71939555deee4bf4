import { CommandRefused, type Live, type Order } from "@ordercast/client";
import { passes } from "../../api/passing";
import { type Tap, useTaps } from "./taps";

const AGAIN_AFTER_MS = 3_000;

/** Sends what was tapped, one after the other; what is not answered is sent again under its id, and done once. */
export class TapSender {
  #busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly live: Live,
    private readonly driverId: string,
    /** Called with each order as the server answers it. */
    private readonly onMoved: (order: Order) => void,
    /** Called when a tap came too late. */
    private readonly onRefused: () => void,
  ) {}

  /** Sends whenever there is something and a connection. Returns how to stop. */
  start(): () => void {
    const go = () => void this.#run();
    const stops = [this.live.subscribe(go), useTaps.subscribe(go)];
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

  #next(): (Tap & { version: number }) | undefined {
    if (this.live.getSnapshot().state !== "connected") return undefined;
    return useTaps
      .getState()
      .taps.find(
        (tap): tap is Tap & { version: number } =>
          tap.driverId === this.driverId && tap.refusal === undefined && tap.version !== undefined,
      );
  }

  /** Whether it is done with, be it that it was taken or that it never will be. */
  async #send(tap: Tap & { version: number }): Promise<boolean> {
    const { clientId, orderId, status, version, reason, proof } = tap;
    try {
      const order = await this.live.command("update_order_status", {
        clientId,
        orderId,
        status,
        version,
        ...(reason !== undefined && { reason }),
        ...(proof !== undefined && { proof }),
      });
      useTaps.getState().done(tap, order.version);
      this.onMoved(order);
      return true;
    } catch (error) {
      // Not answered, or with what cannot be read: under its client id it may be sent again.
      if (!(error instanceof CommandRefused) || passes(error)) return false;
      this.#settle(tap, error);
      return true;
    }
  }

  /** A version that has gone on is no reason to refuse: what counts is where the order stands. */
  #settle(tap: Tap & { version: number }, error: CommandRefused): void {
    const current = currentOf(error.answer);
    const { done, renumber, refuse } = useTaps.getState();
    if (current?.status === tap.status) done(tap, current.version);
    else if (current?.status === tap.from && current.version !== tap.version) renumber(tap, current.version);
    else refuse(tap, error.message);
    this.onRefused();
  }
}

/** The order as it stands, where a refusal says so. */
function currentOf(answer: unknown): Pick<Order, "status" | "version"> | undefined {
  if (typeof answer !== "object" || answer === null || !("current" in answer)) return undefined;
  const current = answer.current as Partial<Order> | null;
  return typeof current?.status === "string" && typeof current.version === "number"
    ? { status: current.status, version: current.version }
    : undefined;
}
