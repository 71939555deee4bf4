import { queryOptions } from "@tanstack/react-query";
import { useCurrencies } from "../i18n/currencies";
import { get } from "./http";
import { isSoldOutToday } from "./opening";
import type { Schemas } from "./schemas";

export type ShopConfig = Schemas["PageConfig"];
export type Product = Schemas["Product"];

/** A catalogue longer than this is not one for a single page of cards. */
const PRODUCTS_MAX = 500;

export const configQuery = queryOptions({
  queryKey: ["config"],
  queryFn: async ({ signal }) => {
    const config = await get<ShopConfig>("/api/config", { signal });
    useCurrencies.setState({ digits: config.currencyDigits });
    return config;
  },
  staleTime: Infinity,
});

export const productsQuery = queryOptions({
  queryKey: ["products"],
  queryFn: ({ signal }) => allProducts(signal),
});

/** Names in Bengali of what stands in an order, by product. */
export const lineNamesKey = ["line-names"] as const;

async function allProducts(signal: AbortSignal): Promise<Product[]> {
  const products: Product[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page: Schemas["ProductPage"] = await get<Schemas["ProductPage"]>(`/api/products${query}`, {
      signal,
    });
    // What is sold out today is there, and cannot be had.
    products.push(...page.items.map((each) => (isSoldOutToday(each) ? { ...each, stock: 0 } : each)));
    cursor = page.nextCursor;
  } while (cursor !== null && products.length < PRODUCTS_MAX);
  return products;
}
