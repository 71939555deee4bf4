import type { Live, Order } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { type Delivery, deliveryQuery } from "../../api/deliveries";

/** The delivery as it was read, with the place and time that are told meanwhile. */
export function useDelivery(order: Order | undefined, token: string, live: Live): Delivery | undefined {
  const queries = useQueryClient();
  const id = order?.id ?? "";
  const query = deliveryQuery(id, token);
  useEffect(() => {
    const { queryKey } = deliveryQuery(id, token);
    return live.on("delivery_update", ({ orderId, position, eta }, told) => {
      if (orderId !== id) return;
      // A stage brings a driver or takes one; a place for the moment is all that has changed.
      if (told !== undefined) void queries.invalidateQueries({ queryKey });
      else
        queries.setQueryData(
          queryKey,
          (shown) => shown && { ...shown, eta, position: position && { accuracy: null, ...position } },
        );
    });
  }, [live, queries, id, token]);
  return useQuery({ ...query, enabled: order?.fulfilment === "delivery" }).data;
}
