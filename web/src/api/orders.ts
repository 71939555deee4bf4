import type { Address, CustomerInfo, Fulfilment, Order, PaymentStatus, Status } from "@ordercast/client";
import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { Page } from "./shop";

export type PaymentInfo = { method: "cash" } | { method: "card"; token: string };

export interface NewOrder {
  fulfilment: Fulfilment;
  customerInfo: CustomerInfo;
  billingInfo: Address;
  shippingInfo: Address;
  cartItems: { productId: string; quantity: number }[];
  paymentInfo: PaymentInfo;
}

export type PlacedOrder = Order & { trackingToken?: string };
export type OrderPage = Page<Order> & { position: string };

export interface HistoryEntry {
  version: number;
  fromStatus: Status | null;
  toStatus: Status;
  fromPaymentStatus: PaymentStatus | null;
  toPaymentStatus: PaymentStatus;
  actor: string;
  reason: string | null;
  at: string;
}

export interface StatusChange {
  status: Status;
  version: number;
  reason?: string;
}

const at = (id: string) => `/api/orders/${encodeURIComponent(id)}`;

export const placeOrder = (order: NewOrder, idempotencyKey: string, token?: string) =>
  post<PlacedOrder>("/api/orders", order, { idempotencyKey, token });

export const changeStatus = (id: string, change: StatusChange, token: string) =>
  post<Order>(`${at(id)}/status`, change, { token });

export const fetchOrder = (id: string, token?: string, signal?: AbortSignal) =>
  get<Order>(at(id), { token, ...(signal && { signal }) });

export function fetchOrders(token: string, cursor: string | null, limit: number): Promise<OrderPage> {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor !== null && { cursor }) });
  return get<OrderPage>(`/api/orders?${query.toString()}`, { token });
}

export const orderQuery = (id: string, token: string | undefined) =>
  queryOptions({
    queryKey: ["order", id, token],
    queryFn: ({ signal }) => fetchOrder(id, token, signal),
  });

export const historyQuery = (id: string, token: string | undefined) =>
  queryOptions({
    queryKey: ["history", id, token],
    queryFn: async ({ signal }) => {
      const { items } = await get<{ items: HistoryEntry[] }>(`${at(id)}/history`, { token, signal });
      return items.toSorted((a, b) => a.version - b.version);
    },
  });
