import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { QUOTES } from "../../api/checkout";
import { placeOrder, type PlacedOrder } from "../../api/orders";
import { savedCardsQuery } from "../../api/payments";
import { Problem } from "../../api/problem";
import { productsQuery } from "../../api/shop";
import { useCart } from "../../stores/cart";
import { usePayment } from "../../stores/payment";
import { useShipping } from "../../stores/shipping";
import type { Session } from "../session/session";
import { visitBank } from "../../stores/bank-visit";
import { forgetKey, keyFor } from "./idempotency";
import type { FormValues } from "./form-values";
import { composeOrder } from "./new-order";

interface Attempt {
  total: number | undefined;
  goods: string;
  values: FormValues;
}

/** Places the order that the stores hold, and goes to where it can be followed. */
export function usePlaceOrder(customer: Session | undefined) {
  const [, navigate] = useLocation();
  const queries = useQueryClient();

  const goods = JSON.stringify(useCart());
  const { mutate, error, isPending, variables } = useMutation({
    mutationFn: ({ total }: Attempt) => {
      const order = composeOrder(total);
      return placeOrder(order, keyFor(order), customer?.token);
    },
    onSuccess: (order) => {
      forgetKey();
      useCart.getState().clear();
      usePayment.getState().reset();
      useShipping.getState().setRequestedTime(null);
      if (order.paymentAction?.url) {
        visitBank(order.paymentAction.url, order.id, order.trackingToken);
        return;
      }
      navigate(trackingPath(order), { state: { placed: true } });
      void queries.invalidateQueries({ queryKey: savedCardsQuery(customer).queryKey });
    },
    // Stock moved, by our order or by the one that was quicker; a price may have, too.
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: productsQuery.queryKey });
      void queries.invalidateQueries({ queryKey: QUOTES });
    },
  });

  const place = (shown: number | undefined, values: FormValues) => {
    // The order may stand, and have changed what the next would cost: asked again, it must be the very same.
    const again = isUnanswered(error) && variables?.goods === goods;
    mutate({ total: again ? variables.total : shown, goods, values });
  };
  return {
    place,
    placing: isPending,
    error: isOfGoods(error) && variables?.goods !== goods ? null : error,
    /** What stood in the form when it was sent. */
    sent: variables?.values,
  };
}

/** What was wrong with other goods, or another code, is no more. */
const isOfGoods = (error: Error | null) =>
  error instanceof Problem && /^(cartItems|total)/.test(error.field ?? "");

const isUnanswered = (error: Error | null) =>
  error instanceof Problem && (error.unreachable || error.status >= 500);

export function trackingPath({ id, trackingToken }: PlacedOrder): string {
  const query = typeof trackingToken !== "string" ? "" : `?token=${encodeURIComponent(trackingToken)}`;
  return `/track/${encodeURIComponent(id)}${query}`;
}
