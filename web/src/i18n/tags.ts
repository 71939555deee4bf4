export const LOCALES = ["en", "bn"] as const;
export type Locale = (typeof LOCALES)[number];

/** What `Intl` and screen readers are told; British English for its day-month order, as in Bangladesh. */
export const LANGUAGE_TAGS: Record<Locale, string> = { en: "en-GB", bn: "bn-BD" };
