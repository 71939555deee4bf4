import type { Order } from "@ordercast/client";

/** About as high as a card is, as long as none like it has been measured. */
const CARD_PX = 300;
/** A shop's cards are of some dozens of shapes; past so many they are learnt anew. */
const SHAPES_MAX = 500;

/**
 * How high the cards of one column will be: as high as the last one measured that has the same parts. A card that comes
 * as high as it was expected moves nothing, and is laid out once.
 */
export class CardHeights {
  readonly #measured = new Map<string, number>();
  readonly #expected = new WeakMap<Order, { shape: string; height_px: number }>();

  measured(order: Order, height_px: number): void {
    if (this.#measured.size >= SHAPES_MAX) this.#measured.clear();
    this.#measured.set(this.#of(order).shape, height_px);
  }

  /** `isAbove` what is looked at: what was expected of it stays, or all below it would move. */
  expected(order: Order, isAbove: boolean): number {
    const known = this.#of(order);
    if (!isAbove) known.height_px = this.#measured.get(known.shape) ?? known.height_px;
    return known.height_px;
  }

  #of(order: Order) {
    let known = this.#expected.get(order);
    if (known === undefined) {
      const shape = shapeOf(order);
      known = { shape, height_px: this.#measured.get(shape) ?? CARD_PX };
      this.#expected.set(order, known);
    }
    return known;
  }
}

/** What of an order brings or takes a line of its card. */
function shapeOf({ status, fulfilment, driverId, promisedAt, amountPaid, ...order }: Order): string {
  const { name, mobile } = order.customerInfo;
  const has = [driverId != null, promisedAt != null, amountPaid > 0, mobile !== null];
  const lines = order.cartItems.map((line) => `${line.name.length}+${line.note?.length ?? 0}`);
  return [status, fulfilment, order.paymentStatus, name?.length, ...has, ...lines].join(" ");
}
