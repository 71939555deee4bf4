import type { Order } from "@ordercast/client";
import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./http";
import type { Schemas } from "./schemas";

export type SavedCard = Schemas["PaymentMethodInfo"];
export type Mismatch = Schemas["PaymentMismatch"];
export type Refund = Schemas["RefundOrder"];

/** Whose cards they are; a renewed token changes nothing about that. */
interface Holder {
  token: string;
  user: { id: string };
}

export const savedCardsQuery = (holder: Holder | undefined) =>
  queryOptions({
    queryKey: ["saved-cards", holder?.user.id],
    queryFn: async ({ signal }) => {
      const { items } = await get<Schemas["PaymentMethodPage"]>("/api/payment-methods", {
        token: holder?.token,
        signal,
      });
      return items;
    },
    enabled: holder !== undefined,
  });

export const removeSavedCard = (id: string, token: string | undefined) =>
  remove(`/api/payment-methods/${encodeURIComponent(id)}`, { token });

/** Answers the order with the money promised back; whether a provider has given it is told by `payment_update`. */
export const refundOrder = (id: string, refund: Refund, idempotencyKey: string, token: string | undefined) =>
  post<Order>(`/api/orders/${encodeURIComponent(id)}/refund`, refund, { idempotencyKey, token });

/** Pays by card for an order that stands and is not paid; answers it as it then is. */
export const payOrder = (
  id: string,
  paymentInfo: Schemas["PayOrder"]["paymentInfo"],
  idempotencyKey: string,
  token: string,
) =>
  post<Schemas["PaidOrder"]>(
    `/api/orders/${encodeURIComponent(id)}/pay`,
    { paymentInfo },
    { idempotencyKey, token },
  );

/** The newest are enough for a board; those behind them come up as these are resolved. */
const MISMATCHES_LIMIT = 50;

/** Those that nobody has seen to yet, newest first. */
export const mismatchesQuery = (token: string | undefined) =>
  queryOptions({
    queryKey: ["payment-mismatches"],
    queryFn: ({ signal }) =>
      get<Schemas["MismatchPage"]>(`/api/payment-mismatches?limit=${MISMATCHES_LIMIT}`, { token, signal }),
  });

export const resolveMismatch = (id: string, token: string | undefined) =>
  post<Mismatch>(`/api/payment-mismatches/${encodeURIComponent(id)}/resolve`, {}, { token });
