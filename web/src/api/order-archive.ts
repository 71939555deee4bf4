import type { Status } from "@ordercast/client";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { OrderPage } from "./orders";
import type { Schemas } from "./schemas";

export type TimelineEntry = Schemas["TimelineEntry"];

/** What is looked for among all orders; nothing given is all of them. */
export interface OrderSearch {
  words: string;
  status: Status | "";
  from: string;
  to: string;
}

const PAGE = 50;
const at = (id: string) => `/api/orders/${encodeURIComponent(id)}`;

function fetchFound(
  { words, status, from, to }: OrderSearch,
  limit: number,
  cursor: string | null,
  token: string | undefined,
  signal: AbortSignal,
) {
  const query = new URLSearchParams({ limit: String(limit) });
  const given = { q: words.trim(), status, from, to, cursor: cursor ?? "" };
  for (const [name, value] of Object.entries(given)) if (value !== "") query.set(name, value);
  return get<OrderPage>(`/api/orders?${query.toString()}`, { token, signal });
}

/** All orders in which the words are, newest first. A page may be short, and have another one behind it. */
export const archiveQuery = (search: OrderSearch, userId: string, token: () => string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["archive", userId, search],
    queryFn: ({ pageParam, signal }) => fetchFound(search, PAGE, pageParam, token(), signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }: OrderPage) => nextCursor,
  });

/** The newest orders in which a word is: somebody's, by their address or telephone. */
export const ordersWithQuery = (word: string | null, limit: number, token: () => string | undefined) =>
  queryOptions({
    queryKey: ["orders-with", word, limit],
    queryFn: async ({ signal }) => {
      const search = { words: word ?? "", status: "", from: "", to: "" } as const;
      return (await fetchFound(search, limit, null, token(), signal)).items;
    },
    enabled: word !== null && word.trim() !== "",
  });

export const timelineQuery = (id: string, token: () => string | undefined) =>
  queryOptions({
    queryKey: ["timeline", id],
    queryFn: async ({ signal }) =>
      (await get<Schemas["Timeline"]>(`${at(id)}/timeline`, { token: token(), signal })).items,
  });

export const addNote = (id: string, text: string, idempotencyKey: string, token: string | undefined) =>
  post<Schemas["OrderNote"]>(`${at(id)}/notes`, { text }, { idempotencyKey, token });
