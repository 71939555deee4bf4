import type { Live, LiveSnapshot, Order, PaymentStatus, Status } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { type HistoryEntry, historyQuery, orderQuery } from "../../api/orders";
import { useLive } from "../../live/use-live";

interface TrackedOrder {
  order: Order | undefined;
  history: HistoryEntry[];
  error: Error | null;
  reload: () => void;
  live: Live;
  snapshot: LiveSnapshot;
}

interface Heard {
  orderId: string;
  status: Status;
  paymentStatus: PaymentStatus;
  version: number;
  at: string;
}

/** One order and what happened to it, kept live by the same token that may read it. */
export function useTrackedOrder(id: string, token: string): TrackedOrder {
  const queries = useQueryClient();
  const { live, snapshot } = useLive(token);
  const order = useQuery(orderQuery(id, token));
  const history = useQuery(historyQuery(id, token));

  useEffect(() => {
    const orderKey = orderQuery(id, token).queryKey;
    const refetch = () => {
      void queries.invalidateQueries({ queryKey: orderKey });
      void queries.invalidateQueries({ queryKey: historyQuery(id, token).queryKey });
    };
    const heard = ({ orderId, status, paymentStatus, version, at }: Heard) => {
      if (orderId !== id) return;
      // Shown at once from the event itself; the fetch behind it brings what the event does not say.
      queries.setQueryData(orderKey, (shown) =>
        shown && version > shown.version
          ? { ...shown, status, paymentStatus, version, updatedAt: at }
          : shown,
      );
      refetch();
    };
    const stops = [
      live.on("customer_order_update", heard),
      // Staff who open a customer's page are in other rooms and hear it under this name.
      live.on("orderStatusUpdated", ({ newStatus, ...rest }) => heard({ ...rest, status: newStatus })),
      live.on("payment_update", ({ orderId }) => {
        if (orderId === id) refetch();
      }),
      // The order was read before the socket could hear of it: what came in between is only in a new reading.
      live.on("ready", refetch),
      live.onGap(refetch),
    ];
    return () => stops.forEach((stop) => stop());
  }, [live, queries, id, token]);

  return {
    order: order.data,
    history: history.data ?? [],
    error: order.error ?? history.error,
    reload: () => void Promise.all([order.refetch(), history.refetch()]),
    live,
    snapshot,
  };
}
