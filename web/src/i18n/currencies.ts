import { create } from "zustand";

/** Nearly every currency has two digits behind its point. */
const USUAL_DIGITS = 2;

interface Currencies {
  /** Of those that have not two, as the server's table of ISO 4217 has them: a browser's `Intl` follows habits instead. */
  readonly digits: Readonly<Record<string, number>>;
}

export const useCurrencies = create<Currencies>(() => ({ digits: {} }));

/** How many minor digits ISO 4217 gives the currency. */
export function fractionDigits(currency: string): number {
  return useCurrencies.getState().digits[currency] ?? USUAL_DIGITS;
}
