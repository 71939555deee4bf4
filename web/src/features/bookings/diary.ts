import { createStore, type StoreApi } from "zustand/vanilla";
import type { Booking } from "../../api/bookings";
import { wallTime, type WallTime } from "../../i18n/zone";

/** A booking where the shop's clock has it. */
export interface Entry extends WallTime {
  readonly booking: Booking;
  /** The minute of the day in which it begins at which it ends; behind midnight it goes on past the day's last. */
  readonly end: number;
}

export interface Column {
  readonly id: string;
  readonly name: string;
}

export interface DiaryState {
  readonly columns: readonly Column[];
  /** By `cellOf`; what has none is empty. A change leaves the lists of all other cells as they are. */
  readonly cells: ReadonlyMap<string, readonly Entry[]>;
  readonly loading: boolean;
  readonly problem: Error | undefined;
}

export const cellOf = (day: string, carerId: string): string => `${day} ${carerId}`;

const EMPTY: DiaryState = { columns: [], cells: new Map(), loading: true, problem: undefined };

/**
 * The bookings of some days, put together from pages and events in whatever order these come: a booking's version
 * decides which of two is shown.
 */
export class Diary {
  readonly store: StoreApi<DiaryState> = createStore<DiaryState>(() => EMPTY);
  readonly #entries = new Map<string, Entry>();
  readonly #days: ReadonlySet<string>;
  #heard = new Set<string>();

  constructor(
    days: readonly string[],
    private readonly zone: string,
    /** Whose alone are shown, where it is a carer who looks. */
    private readonly onlyOf?: string,
  ) {
    this.#days = new Set(days);
  }

  get(id: string): Booking | undefined {
    return this.#entries.get(id)?.booking;
  }

  /** What is fetched from now on holds all but what is heard from now on. */
  begin(): void {
    this.#heard = new Set();
    this.store.setState({ loading: true, problem: undefined });
  }

  failed(problem: Error): void {
    this.store.setState({ loading: false, problem });
  }

  /** All that there is; what is not in it is gone, unless it was heard of meanwhile. */
  fill(bookings: readonly Booking[], carers: readonly Column[]): void {
    const there = new Set(bookings.map(({ id }) => id));
    for (const id of [...this.#entries.keys()])
      if (!there.has(id) && !this.#heard.has(id)) this.#entries.delete(id);
    for (const booking of bookings) this.#keep(booking);
    const cells = new Map<string, Entry[]>();
    for (const entry of this.#entries.values()) {
      const cell = cellOf(entry.day, entry.booking.carerId);
      const list = cells.get(cell);
      if (list === undefined) cells.set(cell, [entry]);
      else list.push(entry);
    }
    for (const list of cells.values()) list.sort(byTime);
    const columns = withOthers(carers, [...this.#entries.values()]).toSorted(byName);
    this.store.setState({ cells, columns, loading: false, problem: undefined });
  }

  /** One as it was heard of, or answered. */
  put(booking: Booking): void {
    const was = this.#entries.get(booking.id);
    if (!this.#keep(booking)) return;
    this.#heard.add(booking.id);
    const is = this.#entries.get(booking.id);
    const { cells, columns } = this.store.getState();
    const changed = new Map(cells);
    for (const each of [was, is]) {
      if (each === undefined) continue;
      const cell = cellOf(each.day, each.booking.carerId);
      const others = (changed.get(cell) ?? []).filter((entry) => entry.booking.id !== booking.id);
      changed.set(cell, each === is ? [...others, is].sort(byTime) : others);
    }
    this.store.setState({ cells: changed, columns: is === undefined ? columns : withOthers(columns, [is]) });
  }

  /** Gives whether it is newer than what was known. */
  #keep(booking: Booking): boolean {
    const known = this.#entries.get(booking.id);
    if (known !== undefined && known.booking.version >= booking.version) return false;
    const { day, minute } = wallTime(booking.startsAt, this.zone);
    const isShown = this.#days.has(day) && (this.onlyOf ?? booking.carerId) === booking.carerId;
    if (!isShown) return this.#entries.delete(booking.id);
    const minutes = (Date.parse(booking.endsAt) - Date.parse(booking.startsAt)) / 60_000;
    this.#entries.set(booking.id, { booking, day, minute, end: minute + minutes });
    return true;
  }
}

const byName = (a: Column, b: Column) => a.name.localeCompare(b.name, undefined, { numeric: true });
const byTime = (a: Entry, b: Entry) => a.minute - b.minute || a.booking.number - b.booking.number;

/** Whoever has left the shop, or was never of it, has a column while they have a booking. */
function withOthers(columns: readonly Column[], entries: readonly Entry[]): readonly Column[] {
  const known = new Set(columns.map(({ id }) => id));
  const others = new Map<string, Column>();
  for (const { booking } of entries)
    if (!known.has(booking.carerId))
      others.set(booking.carerId, { id: booking.carerId, name: booking.carerName ?? booking.carerId });
  return others.size === 0 ? columns : [...columns, ...others.values()];
}
