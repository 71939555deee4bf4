import { fractionDigits } from "./currencies";
import { LANGUAGE_TAGS, type Locale } from "./locale";

/** A formatter is made once for each of what it is made for: to make one takes a hundred times as long as to use it. */
function kept<T>(make: () => T, made: Map<string, T>, ...keys: (string | number)[]): T {
  const key = keys.join(" ");
  let format = made.get(key);
  if (format === undefined) {
    format = make();
    made.set(key, format);
  }
  return format;
}

const MONEY = new Map<string, Intl.NumberFormat>();
const NUMBERS = new Map<string, Intl.NumberFormat>();
const MOMENTS = new Map<string, Intl.DateTimeFormat>();
const TIMES = new Map<string, Intl.DateTimeFormat>();

/** `minor` units of an ISO 4217 currency, as people of that language write it. */
export function formatMoney(minor: number, currency: string, locale: Locale): string {
  const digits = fractionDigits(currency);
  const make = () =>
    new Intl.NumberFormat(LANGUAGE_TAGS[locale], {
      style: "currency",
      currency,
      currencyDisplay: locale === "bn" ? "narrowSymbol" : "symbol",
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      trailingZeroDisplay: "stripIfInteger",
    });
  const format = kept(make, MONEY, locale, currency, digits);
  // Money never becomes a float on its way here; this division is for the eye only.
  return format.format(minor / 10 ** digits);
}

export function formatNumber(value: number, locale: Locale): string {
  return kept(() => new Intl.NumberFormat(LANGUAGE_TAGS[locale]), NUMBERS, locale).format(value);
}

/** By the clock of `timeZone`; of whoever reads, where none is named. */
export function formatDateTime(at: string, locale: Locale, timeZone?: string): string {
  const options = { dateStyle: "medium", timeStyle: "short", hourCycle: "h23", timeZone } as const;
  const make = () => new Intl.DateTimeFormat(LANGUAGE_TAGS[locale], options);
  return kept(make, MOMENTS, locale, timeZone ?? "").format(new Date(at));
}

export function formatTime(at: string, locale: Locale, timeZone?: string): string {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone } as const;
  const make = () => new Intl.DateTimeFormat(LANGUAGE_TAGS[locale], options);
  return kept(make, TIMES, locale, timeZone ?? "").format(new Date(at));
}

const DAYS = {
  short: { weekday: "short", day: "numeric" },
  long: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
} as const;

/** A day of a calendar, such as `2026-12-01`. */
export function formatDay(day: string, locale: Locale, style: keyof typeof DAYS): string {
  const make = () => new Intl.DateTimeFormat(LANGUAGE_TAGS[locale], { ...DAYS[style], timeZone: "UTC" });
  return kept(make, MOMENTS, "day", style, locale).format(new Date(`${day}T00:00:00Z`));
}

/** The day of a moment, without its year: of what is near. */
export function formatDate(at: string, locale: Locale, timeZone?: string): string {
  const options = { weekday: "long", day: "numeric", month: "long", timeZone } as const;
  const make = () => new Intl.DateTimeFormat(LANGUAGE_TAGS[locale], options);
  return kept(make, MOMENTS, "date", locale, timeZone ?? "").format(new Date(at));
}

/** How long something has lasted, to the second: `4:05`, `1:04:05`. */
export function formatElapsed(elapsed_ms: number, locale: Locale): string {
  const seconds = Math.max(0, Math.floor(elapsed_ms / 1000));
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  const parts = hours > 0 ? [hours, two(minutes)] : [minutes];
  const text = [...parts, two(seconds % 60)].join(":");
  return locale === "bn" ? text.replace(/\d/g, (digit) => String.fromCharCode(0x09e6 + Number(digit))) : text;
}

const two = (value: number) => String(value).padStart(2, "0");

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** How long ago, in the largest whole unit; undefined while it is less than a minute. */
export function formatAge(at: string, now_ms: number, locale: Locale): string | undefined {
  const seconds = (now_ms - Date.parse(at)) / 1000;
  const unit = UNITS.find(([, size]) => seconds >= size);
  if (unit === undefined) return undefined;
  const format = new Intl.RelativeTimeFormat(LANGUAGE_TAGS[locale], { style: "short", numeric: "always" });
  return format.format(-Math.floor(seconds / unit[1]), unit[0]);
}
