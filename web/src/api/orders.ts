import type { Order, Status } from "@ordercast/client";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { Schemas } from "./schemas";

export type NewOrder = Schemas["PlaceOrder"];
export type PaymentInfo = NewOrder["paymentInfo"];
export type PlacedOrder = Schemas["PlacedOrder"];
export type OrderPage = Omit<Schemas["OrderPage"], "items"> & { items: Order[] };
export type HistoryEntry = Schemas["HistoryEntry"];
/** The server takes former names too; the pages send none. */
export type StatusChange = Schemas["MoveOrder"] & { status: Status };

/** As many moves as anybody reads; a page of them has a hundred. */
const HISTORY_MAX = 1000;

const at = (id: string) => `/api/orders/${encodeURIComponent(id)}`;

export const placeOrder = (order: NewOrder, idempotencyKey: string, token?: string) =>
  post<PlacedOrder>("/api/orders", order, { idempotencyKey, token });

/** How long an answer may take, before the connection counts as lost. */
const MOVED_WITHIN_MS = 15_000;

export const changeStatus = (
  id: string,
  change: StatusChange,
  token: string,
  options: { keepalive?: boolean } = {},
) =>
  post<Order>(`${at(id)}/status`, change, {
    token,
    signal: AbortSignal.timeout(MOVED_WITHIN_MS),
    ...options,
  });

/** Promises another time for an order that is being prepared: so many minutes from now. */
export const changePromisedTime = (
  order: Order,
  preparationMinutes: number,
  reason: string,
  token?: string,
) =>
  post<Order>(
    `${at(order.id)}/promised-time`,
    { preparationMinutes, reason, version: order.version },
    { token },
  );

export const cancelOrder = (order: Order, reason: string, token: string) =>
  post<Order>(`${at(order.id)}/cancel`, { reason, version: order.version }, { token });

export const fetchOrder = (id: string, token?: string, signal?: AbortSignal) =>
  get<Order>(at(id), { token, ...(signal && { signal }) });

/** Which orders, and which of them first: all of them, and the newest, where nothing is said. */
interface OrdersWanted {
  open?: boolean;
  sort?: Schemas["Sort"];
  limit: number;
}

export function fetchOrders(
  token: string | undefined,
  cursor: string | null,
  { open, sort, limit }: OrdersWanted,
): Promise<OrderPage> {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(open !== undefined && { open: String(open) }),
    ...(sort && { sort }),
    ...(cursor !== null && { cursor }),
  });
  return get<OrderPage>(`/api/orders?${query.toString()}`, { token });
}

/** As many as fit on a screen or two. */
const OWN_LIMIT = 20;

/** The customer's own, newest first. */
export const ownOrdersQuery = (userId: string, token: () => string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["own-orders", userId],
    queryFn: ({ pageParam }) => fetchOrders(token(), pageParam, { limit: OWN_LIMIT }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

/** Has the link of an order mailed to whoever placed it; whether there is one, nobody learns here. */
export const findOrder = (number: number, mobile: string) =>
  post<Schemas["MailAccepted"]>("/api/orders/lookup", { number, mobile });

export const orderQuery = (id: string, token: string | undefined) =>
  queryOptions({
    queryKey: ["order", id, token],
    queryFn: ({ signal }) => fetchOrder(id, token, signal),
  });

export const historyQuery = (id: string, token: string | undefined) =>
  queryOptions({
    queryKey: ["history", id, token],
    queryFn: ({ signal }) => fetchHistory(id, token, signal),
  });

/** All that happened to an order, the oldest first. */
export async function fetchHistory(id: string, token: string | undefined, signal?: AbortSignal) {
  const entries: HistoryEntry[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?cursor=${cursor}`;
    const page: Schemas["History"] = await get<Schemas["History"]>(`${at(id)}/history${query}`, {
      token,
      ...(signal && { signal }),
    });
    entries.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && entries.length < HISTORY_MAX);
  return entries.toSorted((a, b) => a.version - b.version);
}
