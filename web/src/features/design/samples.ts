import { STATUSES } from "@ordercast/client";
import type { SumsOf } from "../../ui/sums";

/** The colours of `theme.css`. */
export const TOKENS = [
  "--paper",
  "--card",
  "--sunken",
  "--line",
  "--line-strong",
  "--ink",
  "--muted",
  "--accent",
  "--accent-deep",
  "--accent-soft",
  "--on-accent",
  "--bad",
  "--bad-soft",
  "--spark",
  "--wait",
  "--work",
  "--ready",
  "--move",
  "--good",
  "--still",
] as const;

export const STATUSES_SHOWN = STATUSES;

export const SUMS: SumsOf = {
  subtotal: 80_00,
  discount: 8_00,
  tax: 3_60,
  shippingFee: 60_00,
  total: 135_60,
  currency: "BDT",
  pricesIncludeTax: false,
  promoCode: "EID-10",
};
