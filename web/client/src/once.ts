import { isAfter, parsePosition, type Position } from "./position.js";

/**
 * Lets each durable event through once.
 *
 * Events arrive in the order of the feed, and one change may be told under several names, so the newest position is
 * remembered per name. What carries no position is fleeting and always passes.
 */
export class Once {
  #epoch: string | undefined;
  readonly #newest = new Map<string, Position>();

  admits(name: string, position: Position | undefined): boolean {
    if (position === undefined) return true;
    if (position.epoch !== this.#epoch) this.#startEpoch(position.epoch);
    const newest = this.#newest.get(name);
    if (newest !== undefined && !isAfter(position, newest)) return false;
    this.#newest.set(name, position);
    return true;
  }

  #startEpoch(epoch: string): void {
    this.#epoch = epoch;
    this.#newest.clear();
  }
}

/** The offset that the server appends to a durable event: its last argument, after at least the payload. */
export function positionOf(args: readonly unknown[]): Position | undefined {
  return args.length < 2 ? undefined : parsePosition(args.at(-1));
}
