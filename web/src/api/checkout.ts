import { queryOptions } from "@tanstack/react-query";
import { post } from "./http";
import type { Schemas } from "./schemas";

export type CartToQuote = Schemas["QuoteOrder"];
/** What the cart comes to by the server's reckoning, in minor units. */
export type Quote = Schemas["Quote"];

/** The start of every quote's key. */
export const QUOTES = ["quote"] as const;

export const quoteQuery = (cart: CartToQuote, token: string | undefined) =>
  queryOptions({
    queryKey: [...QUOTES, cart, token],
    queryFn: ({ signal }) => post<Quote>("/api/checkout/quote", cart, { token, signal }),
    // Somebody waits to order: what went wrong is said at once, also that there is no network.
    retry: false,
    networkMode: "always",
  });
