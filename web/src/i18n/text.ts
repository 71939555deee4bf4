import { useMemo } from "react";
import { useCurrencies } from "./currencies";
import { en, type MessageKey } from "./en";
import {
  formatAge,
  formatDate,
  formatDateTime,
  formatDay,
  formatElapsed,
  formatMoney,
  formatNumber,
  formatTime,
} from "./format";
import { type Locale, useLocale } from "./locale";

const MESSAGES: Partial<Record<Locale, Record<MessageKey, string>>> = { en };

/** Fetches a language's sentences: before anything is shown in it, for nobody reads two at once. */
export async function loadMessages(locale: Locale): Promise<void> {
  if (locale === "bn") MESSAGES.bn ??= (await import("./bn")).bn;
}

export type Values = Record<string, string | number>;

/** The message in that language, each `{name}` filled in; numbers in the language's own digits. */
export function message(locale: Locale, key: MessageKey, values: Values = {}): string {
  return (MESSAGES[locale] ?? en)[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? formatNumber(value, locale) : value;
  });
}

/** Everything a component needs to speak the chosen language. */
export function textIn(locale: Locale) {
  return {
    locale,
    t: (key: MessageKey, values?: Values) => message(locale, key, values),
    money: (minor: number, currency: string) => formatMoney(minor, currency, locale),
    number: (value: number) => formatNumber(value, locale),
    dateTime: (at: string, timeZone?: string) => formatDateTime(at, locale, timeZone),
    time: (at: string, timeZone?: string) => formatTime(at, locale, timeZone),
    day: (day: string, style: "short" | "long") => formatDay(day, locale, style),
    date: (at: string, timeZone?: string) => formatDate(at, locale, timeZone),
    elapsed: (elapsed_ms: number) => formatElapsed(elapsed_ms, locale),
    age: (at: string, now_ms: number) => formatAge(at, now_ms, locale) ?? message(locale, "age.now"),
  };
}
export type Text = ReturnType<typeof textIn>;

export function useText(): Text {
  const locale = useLocale((state) => state.locale);
  const digits = useCurrencies((state) => state.digits);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- amounts are written anew when their digits are known
  return useMemo(() => textIn(locale), [locale, digits]);
}
