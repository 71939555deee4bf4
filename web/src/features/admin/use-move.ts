import type { Order, Status } from "@ordercast/client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { changeStatus, historyQuery } from "../../api/orders";
import { Problem } from "../../api/problem";
import type { Outcome } from "./board";
import { useBoardContext } from "./board-context";

interface Wanted {
  status: Status;
  reason?: string;
}

/** Moves one order, naming the version that was on the screen. */
export function useMove(order: Order) {
  const { session, board, feed } = useBoardContext();
  const queries = useQueryClient();
  const { token } = session;

  const mutation = useMutation({
    mutationFn: ({ status, reason }: Wanted) =>
      changeStatus(
        order.id,
        { status, version: order.version, ...(reason !== undefined && { reason }) },
        token,
      ),
    onSuccess: (changed) => {
      board.setOutcome(order.id, undefined);
      board.merge([changed]);
    },
    onError: async (error) => {
      const conflicting = error instanceof Problem && error.status === 409;
      board.setOutcome(order.id, conflicting ? await explain().catch(() => error) : error);
    },
  });

  /** Somebody was quicker: shows the order as it stands, and finds out who. */
  const explain = async (): Promise<Outcome> => {
    const [now, history] = await Promise.all([
      feed.refresh(order.id),
      queries.query({ ...historyQuery(order.id, token), staleTime: 0 }),
    ]);
    return { order: now, last: history.at(-1) };
  };

  return {
    busy: mutation.isPending,
    to: (status: Status, reason?: string) =>
      mutation.mutate({ status, ...(reason !== undefined && { reason }) }),
  };
}
