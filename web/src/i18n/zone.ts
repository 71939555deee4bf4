/** The shop's clock, whatever the clock of whoever looks says. */

export interface WallTime {
  /** As `2026-12-01`. */
  readonly day: string;
  /** Of that day, as its clock counts them. */
  readonly minute: number;
}

export const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;
const DAY_MS = DAY_MINUTES * MINUTE_MS;

const FORMATS = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = FORMATS.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
    FORMATS.set(zone, format);
  }
  return format;
}

/** What the clock shows then, as if it were that of UTC. */
function shown_ms(at_ms: number, zone: string): number {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(at_ms)
      .map(({ type, value }) => [type, value]),
  );
  const [year, month, day, hour, minute] = ["year", "month", "day", "hour", "minute"].map((name) =>
    Number(parts[name]),
  ) as [number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute);
}

export function wallTime(at: string | number, zone: string): WallTime {
  const at_ms = shown_ms(typeof at === "string" ? Date.parse(at) : at, zone);
  return { day: dayOf(at_ms), minute: Math.floor((at_ms % DAY_MS) / MINUTE_MS) };
}

/** When the clock shows it; what it leaps over comes as much later, and of what it shows twice the first counts. */
export function momentAt({ day, minute }: WallTime, zone: string): string {
  const wanted_ms = Date.parse(`${day}T00:00:00Z`) + minute * MINUTE_MS;
  const guesses = [-1, 1].map((way) => {
    const near_ms = wanted_ms + way * DAY_MS;
    return wanted_ms - (shown_ms(near_ms, zone) - near_ms);
  });
  const found = guesses.toSorted((a, b) => a - b).find((each) => shown_ms(each, zone) === wanted_ms);
  return new Date(found ?? Math.max(...guesses)).toISOString();
}

const dayOf = (utc_ms: number) => new Date(utc_ms).toISOString().slice(0, 10);

export const today = (zone: string, now_ms = Date.now()): string => wallTime(now_ms, zone).day;

export const addDays = (day: string, days: number): string =>
  dayOf(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS);

/** The Monday of its week. */
export const mondayOf = (day: string): string =>
  addDays(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7));

export const daysFrom = (day: string, count: number): string[] =>
  Array.from({ length: count }, (_, each) => addDays(day, each));

/** Whether it is a day of the calendar, as `2026-02-30` is not. */
export const isDay = (text: string | null): text is string =>
  text !== null &&
  /^2\d{3}-\d\d-\d\d$/.test(text) &&
  !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) &&
  dayOf(Date.parse(`${text}T00:00:00Z`)) === text;
