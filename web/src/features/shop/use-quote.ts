import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type CartToQuote, type Quote, quoteQuery } from "../../api/checkout";
import { Problem } from "../../api/problem";
import { useDebounced } from "../../ui/debounced";
import { useCartToQuote } from "./new-order";

/** Long enough for the next keystroke, too short to be waited for. */
const PAUSE_MS = 300;

export interface QuoteNow {
  /** The last answer; of a former cart while `settling`. */
  quote: Quote | undefined;
  /** The cart has changed, and the server has not answered about it yet. */
  settling: boolean;
  /** Why the server has no total for it. */
  problem: Error | null;
  retry: () => void;
}

/** What the cart comes to, if it `asks`; anew whenever something changes that the price depends on. */
export function useQuote(token: string | undefined, asks: boolean): QuoteNow {
  const text = JSON.stringify(useCartToQuote());
  const settled = useDebounced(text, PAUSE_MS);
  const cart = JSON.parse(settled) as CartToQuote;
  // The answer belongs to its question: one about a former cart, come late, is never shown as this one's.
  const asked = useQuery({ ...quoteQuery(cart, token), placeholderData: keepPreviousData, enabled: asks });
  const { promoCode, ...goods } = cart;
  const codeRefused = promoCode !== undefined && isOfCode(asked.error);
  const withoutCode = useQuery({ ...quoteQuery(goods, token), enabled: asks && codeRefused });
  const shown = codeRefused ? withoutCode : asked;
  return {
    quote: shown.data,
    settling: asks && (text !== settled || shown.isPending || asked.isPlaceholderData),
    problem: asked.error,
    retry: () => void asked.refetch(),
  };
}

const isOfCode = (error: Error | null) => error instanceof Problem && error.field === "promoCode";
