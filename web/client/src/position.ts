/** A place in the shop's feed of changes, written `epoch:seq`. An epoch is one life of the database. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

export function parsePosition(text: unknown): Position | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^([^:]+):(\d+)$/.exec(text);
  return match?.[1] === undefined ? undefined : { epoch: match[1], seq: Number(match[2]) };
}

/** Whether a reading taken at `taken` already holds everything up to `wanted`. Positions of two epochs never compare. */
export function covers(taken: Position | undefined, wanted: Position | undefined): boolean {
  if (wanted === undefined) return true;
  return taken !== undefined && taken.epoch === wanted.epoch && taken.seq >= wanted.seq;
}
