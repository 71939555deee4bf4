import { beforeAll, describe, expect, it } from "vitest";
import { bn } from "../../src/i18n/bn";
import { useCurrencies } from "../../src/i18n/currencies";
import { en, type MessageKey } from "../../src/i18n/en";
import { formatAge, formatMoney, formatTime } from "../../src/i18n/format";
import { textIn } from "../../src/i18n/text";

describe("both languages", () => {
  it.each(Object.keys(en) as MessageKey[])("fill in the same values: %s", (key) => {
    const names = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
    expect(names(bn[key])).toEqual(names(en[key]));
    expect(bn[key].trim()).not.toBe("");
  });

  it("fill in numbers in their own digits, and leave texts as they are", () => {
    expect(textIn("en").t("order.line", { count: 1200, name: "Tea 2" })).toBe("1,200 × Tea 2");
    expect(textIn("bn").t("order.line", { count: 1200, name: "Tea 2" })).toBe("১,২০০ × Tea 2");
  });
});

describe("money", () => {
  beforeAll(() => useCurrencies.setState({ digits: { JPY: 0, KWD: 3, ISK: 0 } }));

  it.each([
    [144_00, "BDT", "en", "BDT 144"],
    [144_50, "BDT", "en", "BDT 144.50"],
    [-5, "BDT", "en", "-BDT 0.05"],
    [144_50, "BDT", "bn", "১৪৪.৫০৳"],
    [500, "JPY", "en", "JP¥500"],
    [1_234, "KWD", "en", "KWD 1.234"],
    [299_000, "HUF", "en", "HUF 2,990"],
    [299_050, "IDR", "en", "IDR 2,990.50"],
    [2_990, "ISK", "en", "ISK 2,990"],
    [1_23_45_678_00, "BDT", "bn", "১,২৩,৪৫,৬৭৮৳"],
  ] as const)("of %d minor units of %s reads in %s as %s", (minor, currency, locale, text) => {
    expect(formatMoney(minor, currency, locale).replace(/\u00a0/g, " ")).toBe(text);
  });
});

describe("time", () => {
  const at = "2026-01-05T10:00:00Z";
  const after_ms = (seconds: number) => Date.parse(at) + seconds * 1000;

  it.each([
    [59, undefined],
    [60, "1 min ago"],
    [3_599, "59 min ago"],
    [7_200, "2 hr ago"],
    [200_000, "2 days ago"],
    [-30, undefined],
  ])("%d seconds later is %s", (seconds, text) => {
    expect(formatAge(at, after_ms(seconds), "en")).toBe(text);
  });

  it("is written in the language's digits", () => {
    expect(formatAge(at, after_ms(120), "bn")).toBe("২ মিনিট আগে");
    expect(formatTime(at, "bn")).toMatch(/[০-৯]/);
  });
});
