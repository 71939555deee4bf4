import { queryOptions } from "@tanstack/react-query";
import { get, post, put } from "./http";
import type { Schemas } from "./schemas";
import type { Product } from "./shop";

export type Opening = Schemas["CurrentOpening"];
export type WeekHours = Schemas["WeekHours"];

/** How old it may be while somebody looks at it: whether a shop is open is a question of the time, too. */
const OPENING_EVERY_MS = 15_000;

/** Whether the shop takes orders now, and when that changes. */
export const openingQuery = queryOptions({
  queryKey: ["opening"],
  queryFn: ({ signal }) => get<Opening>("/api/shop/opening", { signal }),
  refetchInterval: OPENING_EVERY_MS,
});

export const pauseShop = (minutes: number | undefined, reason: string, token: string | undefined) =>
  post<Opening>("/api/shop/pause", { ...(minutes !== undefined && { minutes }), reason }, { token });

export const resumeShop = (token: string | undefined) => post<Opening>("/api/shop/resume", {}, { token });

export const setHours = (hours: WeekHours | null, version: number, token: string | undefined) =>
  put<Opening>("/api/shop/hours", { hours, version }, { token });

export const setSoldOut = (id: string, soldOut: boolean, token: string | undefined) =>
  post<Product>(`/api/products/${encodeURIComponent(id)}/sold-out`, { soldOut }, { token });

/** Whether somebody said that it is sold out today. */
export const isSoldOutToday = ({ soldOutUntil }: Pick<Product, "soldOutUntil">): boolean =>
  soldOutUntil != null && Date.parse(soldOutUntil) > Date.now();
