import type { Order } from "@ordercast/client";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { IdempotencyKey } from "../api/idempotency-key";
import { refundOrder } from "../api/payments";
import { Problem } from "../api/problem";
import { currentToken } from "../features/session/session";
import { fetchOrder } from "../api/orders";

interface Wanted {
  reason: string;
  /** Minor units; all that is left where it is left out. */
  amount?: number;
}

interface UseRefund {
  onDone: () => void;
  /** Told of the order as it then is. */
  onChanged?: ((order: Order) => void) | undefined;
  /** Fetches the order as it stands now, if it is to be seen elsewhere too. */
  refresh?: (() => Promise<Order>) | undefined;
}

/** Gives money of one order back, once, however often an answer is lost and the button pressed again. */
export function useRefund(order: Order, { onDone, onChanged, refresh }: UseRefund) {
  const [idempotencyKey] = useState(() => new IdempotencyKey());
  // Not the order's of now: our own refund, its answer lost, changes that. The very same is asked again instead.
  const [version, setVersion] = useState(order.version);
  const { mutate, error, isPending } = useMutation({
    mutationFn: (wanted: Wanted) => {
      const refund = { ...wanted, version };
      return refundOrder(order.id, refund, idempotencyKey.for(refund), currentToken());
    },
    onSuccess: (changed) => {
      onChanged?.(changed);
      onDone();
    },
    onError: async (problem) => {
      if (!(problem instanceof Problem) || problem.status !== 409) return;
      const now = await (refresh?.() ?? fetchOrder(order.id, currentToken())).catch(() => order);
      setVersion(now.version);
    },
  });
  return { refund: (wanted: Wanted) => mutate(wanted), busy: isPending, error };
}
