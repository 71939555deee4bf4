import type { Order } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { fetchOrder } from "../api/orders";
import { type TimelineEntry, timelineQuery } from "../api/order-archive";
import { useLive } from "../live/use-live";
import { currentToken } from "../features/session/session";

interface OpenedOrder {
  order: Order | undefined;
  entries: TimelineEntry[] | undefined;
  error: Error | null;
  reload: () => void;
}

/** One order and all that became of it, read anew whenever something of it is heard. */
export function useOrder(id: string): OpenedOrder {
  const queries = useQueryClient();
  const { live } = useLive(currentToken);
  const order = useQuery({
    queryKey: ["opened-order", id],
    queryFn: ({ signal }) => fetchOrder(id, currentToken(), signal),
  });
  const entries = useQuery(timelineQuery(id, currentToken));
  const reload = useCallback(() => {
    void queries.invalidateQueries({ queryKey: ["opened-order", id] });
    // The page beneath lists it too.
    void queries.invalidateQueries({ queryKey: ["archive"] });
    void queries.invalidateQueries({ queryKey: timelineQuery(id, currentToken).queryKey });
  }, [queries, id]);

  useEffect(() => {
    const heard = ({ orderId }: { orderId?: string | null }) => {
      if (orderId === id) reload();
    };
    const stops = [
      live.on("orderStatusUpdated", heard),
      live.on("order_update", ({ id: changed }) => heard({ orderId: changed })),
      live.on("payment_update", heard),
      live.on("delivery_update", heard),
      // The order was read before the socket could hear of it.
      live.on("ready", reload),
      live.onGap(reload),
    ];
    return () => stops.forEach((stop) => stop());
  }, [live, id, reload]);

  return { order: order.data, entries: entries.data, error: order.error ?? entries.error, reload };
}
