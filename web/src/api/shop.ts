import { queryOptions } from "@tanstack/react-query";
import { get } from "./http";

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface ShopConfig {
  /** Empty where sockets are served from the page's own origin. */
  socketUrl: string;
  currency: string;
  locales: string[];
}

export interface Product {
  id: string;
  slug: string;
  name: string;
  nameBn: string;
  description: string;
  descriptionBn: string;
  price: number;
  currency: string;
  stock: number;
  image: string;
  taxClass: string;
}

/** A catalogue longer than this is not one for a single page of cards. */
const PRODUCTS_MAX = 500;

export const configQuery = queryOptions({
  queryKey: ["config"],
  queryFn: ({ signal }) => get<ShopConfig>("/api/config", { signal }),
  staleTime: Infinity,
});

export const productsQuery = queryOptions({
  queryKey: ["products"],
  queryFn: ({ signal }) => allProducts(signal),
});

async function allProducts(signal: AbortSignal): Promise<Product[]> {
  const products: Product[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page: Page<Product> = await get<Page<Product>>(`/api/products${query}`, { signal });
    products.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && products.length < PRODUCTS_MAX);
  return products;
}
