import type { CommandRefused, Live, Order } from "@ordercast/client";
import { SerialSender } from "../../live/serial-sender";
import { type Tap, useTaps } from "./taps";

type NumberedTap = Tap & { version: number };

/** Sends what was tapped. */
export class TapSender extends SerialSender<NumberedTap> {
  constructor(
    live: Live,
    private readonly driverId: string,
    /** Called with each order as the server answers it. */
    private readonly onMoved: (order: Order) => void,
    /** Called when a tap came too late. */
    private readonly onRefused: () => void,
  ) {
    super(live, useTaps.subscribe);
  }

  protected first(): NumberedTap | undefined {
    return useTaps
      .getState()
      .taps.find(
        (tap): tap is NumberedTap =>
          tap.driverId === this.driverId && tap.refusal === undefined && tap.version !== undefined,
      );
  }

  protected async send(tap: NumberedTap): Promise<void> {
    const { clientId, orderId, status, version, reason, proof } = tap;
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
  }

  /** A version that has gone on is no reason to refuse: what counts is where the order stands. */
  protected refused(tap: NumberedTap, error: CommandRefused): void {
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
