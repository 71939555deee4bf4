import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useLocation } from "wouter";
import { placeOrder, type PlacedOrder } from "../../api/orders";
import { Problem } from "../../api/problem";
import { productsQuery } from "../../api/shop";
import { useCart } from "../../stores/cart";
import { usePayment } from "../../stores/payment";
import { useSession } from "../session/session";
import { attemptSucceeded, keyFor } from "./attempt";
import { faultIn } from "./fault";
import { composeOrder, hasOneAddress } from "./new-order";

/** Places the order that the stores hold, and goes to where it can be followed. */
export function usePlaceOrder() {
  const session = useSession();
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  // Staff who try the shop order as guests: an order belongs to a customer.
  const token = session?.user.role === "customer" ? session.token : undefined;

  const mutation = useMutation({
    mutationFn: () => {
      const order = composeOrder();
      return placeOrder(order, keyFor(order), token);
    },
    onSuccess: (order) => {
      attemptSucceeded();
      useCart.getState().clear();
      usePayment.getState().reset();
      navigate(trackingPath(order), { state: { placed: true } });
    },
    // Stock moved, by our order or by the one that was quicker.
    onSettled: () => queries.invalidateQueries({ queryKey: productsQuery.queryKey }),
  });

  const { error, isPending, mutate } = mutation;
  const faultAt = useMemo(
    () => (error instanceof Problem ? faultIn(error, hasOneAddress()) : undefined),
    [error],
  );
  return { place: () => mutate(), placing: isPending, error, faultAt };
}

export function trackingPath({ id, trackingToken }: PlacedOrder): string {
  const query = typeof trackingToken !== "string" ? "" : `?token=${encodeURIComponent(trackingToken)}`;
  return `/track/${encodeURIComponent(id)}${query}`;
}
