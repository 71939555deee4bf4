import { queryOptions } from "@tanstack/react-query";
import { get, post, put } from "./http";
import type { Schemas } from "./schemas";
import type { Product } from "./shop";
import { useShopIsLive } from "./shop-is-live";

export type Opening = Schemas["CurrentOpening"];
export type WeekHours = Schemas["WeekHours"];

/** How old it may be while somebody looks at it, and hears of no change. */
const OPENING_EVERY_MS = 15_000;
/** A timer of the browser's reaches no further. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** At its minute everybody in the shop asks whether it is open; not all of them at once. */
const ASK_WITHIN_MS = 2_000;

/** Whether the shop takes orders now, and when that changes. */
export const openingQuery = queryOptions({
  queryKey: ["opening"],
  queryFn: ({ signal }) => get<Opening>("/api/shop/opening", { signal }),
  refetchInterval: ({ state }) =>
    useShopIsLive.getState().isLive ? untilItChanges(state.data) : OPENING_EVERY_MS,
});

/** Whether a shop is open is a question of the time, of which no event tells. */
function untilItChanges(opening: Opening | undefined): number | false {
  const next = opening?.isOpen ? opening.closesAt : opening?.opensAt;
  if (next == null) return false;
  const left_ms = Math.max(0, Date.parse(next) - Date.now());
  return Math.min(left_ms + 500 + Math.random() * ASK_WITHIN_MS, TIMER_MS_MAX);
}

/** How old the times may be that are offered. */
const TIMES_EVERY_MS = 300_000;

/** For when orders can be placed that are wanted later. */
export const orderTimesQuery = queryOptions({
  queryKey: ["order-times"],
  queryFn: ({ signal }) => get<Schemas["OrderTimes"]>("/api/shop/order-times", { signal }),
  refetchInterval: TIMES_EVERY_MS,
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
