import { create } from "zustand";
import { persist } from "zustand/middleware";

import { LANGUAGE_TAGS, type Locale, LOCALES } from "./tags";

export { LANGUAGE_TAGS, type Locale, LOCALES } from "./tags";

/** By which the server renders a page in the language that was chosen here. */
const COOKIE = "ordercast.locale";
const YEAR_S = 365 * 86_400;

interface LocaleState {
  locale: Locale;
  setLocale: (locale: Locale) => void;
}

export const useLocale = create<LocaleState>()(
  persist(
    (set) => ({
      locale: preferred(navigator.languages),
      setLocale: (locale) => set({ locale }),
    }),
    { name: "ordercast.locale" },
  ),
);

/** The first of ours among those that the browser's owner reads. */
function preferred(languages: readonly string[]): Locale {
  const first = languages.map((tag) => LOCALES.find((locale) => tag.startsWith(locale)));
  return first.find((locale) => locale !== undefined) ?? "en";
}

/** Which way a language is written. A browser that cannot say knows those alone that are written from the left. */
export function directionOf(tag: string): "ltr" | "rtl" {
  const locale = new Intl.Locale(tag) as Intl.Locale & { getTextInfo?: () => { direction?: "ltr" | "rtl" } };
  return locale.getTextInfo?.().direction ?? "ltr";
}

/** Keeps `<html lang>` true, for screen readers, hyphenation and fonts; and tells the server, for what it renders. */
export function keepDocumentLanguage(): void {
  const apply = ({ locale }: LocaleState) => {
    document.documentElement.lang = LANGUAGE_TAGS[locale];
    document.documentElement.dir = directionOf(LANGUAGE_TAGS[locale]);
    document.cookie = `${COOKIE}=${locale}; path=/; max-age=${YEAR_S}; samesite=lax`;
  };
  apply(useLocale.getState());
  useLocale.subscribe(apply);
}
