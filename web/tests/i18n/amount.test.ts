import { beforeAll, expect, it } from "vitest";
import { amountText, parseAmount } from "../../src/i18n/amount";
import { useCurrencies } from "../../src/i18n/currencies";

beforeAll(() => useCurrencies.setState({ digits: { JPY: 0, KWD: 3 } }));

it.each([
  ["12.50", "BDT", 1250],
  ["12.5", "BDT", 1250],
  ["12", "BDT", 1200],
  [" ১২.৫০ ", "BDT", 1250],
  ["0.01", "BDT", 1],
  ["500", "JPY", 500],
  ["1.234", "KWD", 1234],
])("reads %s %s as %i minor units", (typed, currency, minor) => {
  expect(parseAmount(typed, currency)).toBe(minor);
});

it.each(["", "-1", "1,5", "1.234", "1e3", "ten", ".5", "9".repeat(13)])("reads no amount in %j", (typed) => {
  expect(parseAmount(typed, "BDT")).toBeUndefined();
});

it.each([
  [5, "BDT", "0.05"],
  [125_00, "BDT", "125.00"],
  [500, "JPY", "500"],
])("shows %i of %s as it would be typed", (minor, currency, text) => {
  expect(amountText(minor, currency)).toBe(text);
  expect(parseAmount(text, currency)).toBe(minor);
});
