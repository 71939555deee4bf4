import { fractionDigits } from "./currencies";

const BENGALI_ZERO = 0x09e6;

/**
 * Minor units of `currency` in an amount as a person types it, in the digits of either language; undefined where it is
 * none, or finer than the currency.
 */
export function parseAmount(typed: string, currency: string): number | undefined {
  const digits = fractionDigits(currency);
  const found = /^(\d{1,12})(?:\.(\d*))?$/.exec(inAsciiDigits(typed.trim()));
  if (found === null) return undefined;
  const [, whole = "", part = ""] = found;
  if (part.length > digits) return undefined;
  return Number(whole + part.padEnd(digits, "0"));
}

/** The amount as its field shows it, and `parseAmount` reads it. */
export function amountText(minor: number, currency: string): string {
  const digits = fractionDigits(currency);
  const text = String(minor).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function inAsciiDigits(text: string): string {
  return text.replace(/[০-৯]/g, (digit) => String(digit.charCodeAt(0) - BENGALI_ZERO));
}
