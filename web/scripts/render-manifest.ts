import type { Plugin } from "vite";
import { bn } from "../src/i18n/bn.ts";
import { en } from "../src/i18n/en.ts";
import { LANGUAGE_TAGS, LOCALES, type Locale } from "../src/i18n/tags.ts";

const PAGE = "/track.html";
const FILE = "render-manifest.json";
/** Of the sentences, those that the server's rendering says. */
const RENDERED =
  /^(track|status|sentence|step|delivery|sum|paid|fulfilment|nav|order\.line|checkout\.payment|payment\.(card|cash)|paymentStatus)(\.|$)/;
const CATALOGUES: Record<Locale, Readonly<Record<string, string>>> = { en, bn };

interface Chunk {
  type: string;
  fileName: string;
  facadeModuleId?: string | null;
  moduleIds?: string[];
  imports?: string[];
  viteMetadata?: { importedCss: Set<string> };
}

/**
 * What the server needs to render an order's page before any script has come: the page's own sentences, how each
 * language writes sums, and which files the browser is going to want.
 */
export const renderManifest = (): Plugin => ({
  name: "render-manifest",
  apply: "build",
  generateBundle(_options, bundle) {
    const chunks = Object.values(bundle) as unknown as Chunk[];
    const page = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(PAGE));
    if (page === undefined) throw new Error(`No chunk is the page ${PAGE}.`);
    const scripts = withImports(page, new Map(chunks.map((chunk) => [chunk.fileName, chunk])));
    const styles = scripts.flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])]);
    const languages = LOCALES.map((locale) => {
      const catalogue = chunks.find(({ moduleIds }) =>
        moduleIds?.some((id) => id.endsWith(`/i18n/${locale}.ts`)),
      );
      const isApart = catalogue !== undefined && !scripts.includes(catalogue);
      return [locale, { ...languageOf(locale), scripts: isApart ? [`/${catalogue.fileName}`] : [] }];
    });
    const source = {
      scripts: scripts.map(({ fileName }) => `/${fileName}`),
      styles: [...new Set(styles)].map((name) => `/${name}`),
      languages: Object.fromEntries(languages) as Record<Locale, unknown>,
    };
    this.emitFile({ type: "asset", fileName: FILE, source: JSON.stringify(source) });
  },
});

function withImports(chunk: Chunk, all: Map<string, Chunk>, seen = new Set<Chunk>()): Chunk[] {
  if (!seen.has(chunk)) {
    seen.add(chunk);
    for (const name of chunk.imports ?? []) {
      const imported = all.get(name);
      if (imported) withImports(imported, all, seen);
    }
  }
  return [...seen];
}

function languageOf(locale: Locale) {
  const said = Object.entries(CATALOGUES[locale]).filter(([key]) => RENDERED.test(key));
  const currencies = Intl.supportedValuesOf("currency").map((code) => [code, affixesOf(code, locale)]);
  return {
    messages: Object.fromEntries(said),
    digits: Array.from({ length: 10 }, (_, digit) => digit.toLocaleString(LANGUAGE_TAGS[locale])).join(""),
    // 1,23,45,678 in Bengal: how many digits stand in a group behind the first.
    grouping:
      (12_345_678)
        .toLocaleString(LANGUAGE_TAGS[locale])
        .split(/\P{Nd}/u)
        .at(-2)?.length ?? 3,
    currencies: Object.fromEntries(currencies) as Record<string, [string, string]>,
  };
}

/** What stands before and behind a sum, as `formatMoney` of the pages writes it. */
function affixesOf(currency: string, locale: Locale): [string, string] {
  const format = new Intl.NumberFormat(LANGUAGE_TAGS[locale], {
    style: "currency",
    currency,
    currencyDisplay: locale === "bn" ? "narrowSymbol" : "symbol",
    maximumFractionDigits: 0,
  });
  const parts = format.formatToParts(1);
  const number = parts.findIndex(({ type }) => type === "integer");
  const text = (some: Intl.NumberFormatPart[]) => some.map(({ value }) => value).join("");
  return [text(parts.slice(0, number)), text(parts.slice(number + 1))];
}
