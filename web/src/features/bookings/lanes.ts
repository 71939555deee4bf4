import type { Entry } from "./diary";

export interface Placed {
  readonly entry: Entry;
  /** Beside how many others of the same time it stands, and as which of them. */
  readonly lane: number;
  readonly lanes: number;
}

/** Places what overlaps beside each other; only what was called off, or written by another program, does. */
export function inLanes(entries: readonly Entry[]): Placed[] {
  const placed: Placed[] = [];
  let group: { entry: Entry; lane: number }[] = [];
  let ends: number[] = [];
  const close = () => {
    placed.push(...group.map((each) => ({ ...each, lanes: ends.length })));
    [group, ends] = [[], []];
  };
  for (const entry of entries) {
    if (ends.every((end) => end <= entry.minute)) close();
    const free = ends.findIndex((end) => end <= entry.minute);
    const lane = free === -1 ? ends.length : free;
    ends[lane] = entry.end;
    group.push({ entry, lane });
  }
  close();
  return placed;
}
