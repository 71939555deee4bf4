/**
 * A place in the shop's feed of changes, written `epoch:seq.event`: behind that event of the change `seq`, or behind all
 * of its events where none is named. An epoch is one life of the database.
 */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
  readonly event: number;
}

export function parsePosition(text: unknown): Position | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^([^:]+):(\d+)(?:\.(\d+))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  return {
    epoch: match[1],
    seq: Number(match[2]),
    event: match[3] === undefined ? Infinity : Number(match[3]),
  };
}

/** Whether `a` lies behind `b`; both are of one epoch. */
export function isAfter(a: Position, b: Position): boolean {
  return a.seq === b.seq ? a.event > b.event : a.seq > b.seq;
}

/** Whether a reading taken at `taken` already holds everything up to `wanted`. Positions of two epochs never compare. */
export function covers(taken: Position | undefined, wanted: Position | undefined): boolean {
  if (wanted === undefined) return true;
  return taken !== undefined && taken.epoch === wanted.epoch && !isAfter(wanted, taken);
}
