import { create } from "zustand";
import type { PaymentInfo } from "../api/orders";

/** The sandbox provider's tokens. A card number never enters this page: a provider's form turns it into such a token. */
export const TEST_CARDS = ["tok_visa", "tok_declined"] as const;
export type TestCard = (typeof TEST_CARDS)[number];

/** What the checkout offers. */
export type Method = Exclude<PaymentInfo["method"], "saved_card">;

interface PaymentState {
  method: Method;
  card: TestCard;
  setMethod: (method: Method) => void;
  setCard: (card: TestCard) => void;
  reset: () => void;
}

const AT_FIRST = { method: "cash", card: "tok_visa" } as const;

/** How to pay is kept in memory alone. */
export const usePayment = create<PaymentState>()((set) => ({
  ...AT_FIRST,
  setMethod: (method) => set({ method }),
  setCard: (card) => set({ card }),
  reset: () => set(AT_FIRST),
}));

export function paymentInfoOf({ method, card }: Pick<PaymentState, "method" | "card">): PaymentInfo {
  return method === "cash" ? { method } : { method, token: card };
}
