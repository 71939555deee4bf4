import { create } from "zustand";
import type { PaymentInfo } from "../api/orders";

/** The sandbox provider's tokens. A card number never enters this page: a provider's form turns it into such a token. */
export const TEST_CARDS = [
  "tok_visa",
  "tok_mastercard",
  "tok_authorize_only",
  "tok_3ds",
  "tok_declined",
  "tok_slow",
  "tok_unavailable",
  "tok_flaky",
  "tok_capture_fails",
  "tok_refund_fails",
  "tok_refund_pending",
  "tok_refund_returns",
  "tok_captured_in_part",
  "tok_chargeback",
  "tok_mismatch",
] as const;
export type TestCard = (typeof TEST_CARDS)[number];

/** For a provider of the shop's own, on whose pages its customers choose how to pay. */
export const REDIRECT = "tok_redirect";
export type Token = TestCard | typeof REDIRECT;

export type Method = PaymentInfo["method"];

interface PaymentChoice {
  method: Method;
  card: Token;
  /** Whether the card is to be kept for the next time. */
  save: boolean;
  /** Which of the kept cards pays. */
  savedCard: string;
}

interface PaymentState extends PaymentChoice {
  choose: (choice: Partial<PaymentChoice>) => void;
  reset: () => void;
}

const AT_FIRST: PaymentChoice = { method: "cash", card: "tok_visa", save: false, savedCard: "" };

/** How to pay is kept in memory alone. */
export const usePayment = create<PaymentState>()((set) => ({
  ...AT_FIRST,
  choose: (choice) => set(choice),
  reset: () => set(AT_FIRST),
}));

export function paymentInfoOf({ method, card, save, savedCard }: PaymentChoice): PaymentInfo {
  if (method === "cash") return { method };
  // Where the buyer comes back to, if their bank wants to see them first.
  const returnUrl = `${location.origin}/track/{orderId}`;
  if (method === "saved_card") return { method, savedMethodId: savedCard, returnUrl };
  return { method, token: card, returnUrl, ...(save && { save }) };
}
