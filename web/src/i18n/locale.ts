import { create } from "zustand";
import { persist } from "zustand/middleware";

export const LOCALES = ["en", "bn"] as const;
export type Locale = (typeof LOCALES)[number];

/** What `Intl` and screen readers are told; British English for its day-month order, as in Bangladesh. */
export const LANGUAGE_TAGS: Record<Locale, string> = { en: "en-GB", bn: "bn-BD" };

interface LocaleState {
  locale: Locale;
  setLocale: (locale: Locale) => void;
}

export const useLocale = create<LocaleState>()(
  persist(
    (set) => ({
      locale: navigator.language.startsWith("bn") ? "bn" : "en",
      setLocale: (locale) => set({ locale }),
    }),
    { name: "ordercast.locale" },
  ),
);

/** Keeps `<html lang>` true, for screen readers, hyphenation and fonts. */
export function keepDocumentLanguage(): void {
  const apply = ({ locale }: LocaleState) => (document.documentElement.lang = LANGUAGE_TAGS[locale]);
  apply(useLocale.getState());
  useLocale.subscribe(apply);
}
