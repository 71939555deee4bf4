import { covers, type Live, parsePosition, type Position } from "@ordercast/client";
import { type Booking, type Carer, fetchCarers, fetchDay, isBooking } from "../../api/bookings";
import { Problem } from "../../api/problem";
import type { Diary } from "./diary";

const AGAIN_AFTER_MS = 5_000;

interface Who {
  isCarer: boolean;
  token: () => string | undefined;
}

/** Keeps a diary true: reads its days, hears what becomes of them, and reads them anew where something was missed. */
export class DiaryFeed {
  #run = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #readAt: Position | undefined;

  constructor(
    private readonly diary: Diary,
    private readonly days: readonly string[],
    private readonly live: Live,
    private readonly who: Who,
  ) {}

  /** Returns how to stop. */
  start(): () => void {
    const heard = ({ booking }: { booking?: unknown }) => {
      if (isBooking(booking)) this.diary.put(booking);
    };
    const stops = [
      this.live.on("new_booking", heard),
      this.live.on("booking_update", heard),
      this.live.on("ready", () => this.#catchUp()),
      this.live.onGap(() => void this.reload()),
    ];
    void this.reload();
    return () => {
      for (const stop of stops) stop();
      this.#run += 1;
      clearTimeout(this.#again);
    };
  }

  async reload(): Promise<void> {
    const run = ++this.#run;
    clearTimeout(this.#again);
    this.#readAt = undefined;
    this.diary.begin();
    try {
      const token = this.who.token();
      const [carers, ...days] = await Promise.all([
        fetchCarers(this.who.isCarer, token),
        ...this.days.map((day) => readDay(day, token)),
      ]);
      if (run !== this.#run) return;
      this.diary.fill(
        days.flatMap(({ bookings }) => bookings),
        carers.filter(isThere),
      );
      this.#readAt = earliest(days.map(({ position }) => position));
    } catch (error) {
      if (run === this.#run) this.#failed(error);
      return;
    }
    this.#catchUp();
  }

  /** What was read before the socket was in its rooms lacks what was committed in between. */
  #catchUp(): void {
    if (this.#readAt !== undefined && !covers(this.#readAt, this.live.getSnapshot().readyAt))
      void this.reload();
  }

  #failed(error: unknown): void {
    const problem = error instanceof Error ? error : new Problem(0, {});
    this.diary.failed(problem);
    const passes =
      problem instanceof Problem && (problem.unreachable || problem.status >= 500 || problem.status === 429);
    if (passes) this.#again = setTimeout(() => void this.reload(), AGAIN_AFTER_MS);
  }
}

const isThere = ({ active }: Carer) => active;

async function readDay(day: string, token: string | undefined) {
  const bookings: Booking[] = [];
  let cursor: string | null = null;
  let position: Position | undefined;
  do {
    const page = await fetchDay(day, cursor, token);
    // What changed after the first page is told, whatever the later ones say.
    position ??= parsePosition(page.position);
    bookings.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return { bookings, position };
}

function earliest(positions: readonly (Position | undefined)[]): Position | undefined {
  const known = positions.filter((each) => each !== undefined);
  return known.toSorted((a, b) => a.seq - b.seq)[0];
}
