import type { Order, Status } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { fetchHistory } from "../../api/orders";
import { useText } from "../../i18n/text";
import { currentToken } from "../session/session";
import { nameOf } from "./name-of";

/** Statuses that somebody has given a reason for, without which the card says too little. */
const WITH_REASON: ReadonlySet<Status> = new Set([
  "on_hold",
  "delivery_failed",
  "returning",
  "cancelled",
  "rejected",
]);

/** Why an order is where it is, by whom and when. */
export function LastMove({ order }: { order: Order }) {
  return WITH_REASON.has(order.status) ? <Reason order={order} /> : null;
}

function Reason({ order }: { order: Order }) {
  const { t, time } = useText();
  const { data } = useQuery({
    queryKey: ["last-move", order.id, order.status, order.version],
    queryFn: async ({ signal }) => {
      const history = await fetchHistory(order.id, currentToken(), signal);
      return (
        history.findLast(
          ({ toStatus, fromStatus }) => toStatus === order.status && fromStatus !== toStatus,
        ) ?? null
      );
    },
    staleTime: Infinity,
  });
  if (!data) return null;
  const who = t("order.movedBy", { name: nameOf(t, data), time: time(data.at) });
  return (
    <p className="order-reason" data-testid="order-reason">
      {data.reason !== null && <q>{data.reason}</q>} <span className="muted">{who}</span>
    </p>
  );
}
