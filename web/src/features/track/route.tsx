import type { Order } from "@ordercast/client";
import type { Delivery } from "../../api/deliveries";
import type { HistoryEntry } from "../../api/orders";
import { useNow_ms } from "../../ui/clock";

/** Where the driver is drawn while nobody knows better. */
const USUALLY: Partial<Record<Order["status"], number>> = {
  driver_assigned: 0,
  picked_up: 0.1,
  in_transit: 0.5,
};
/** At the door is who says so. */
const SHARE_MAX = 0.95;

interface RouteProps {
  order: Order;
  delivery: Delivery;
  history: readonly HistoryEntry[];
}

/** The way from the shop to the door, and how much of it is behind the driver, by the time that it takes. */
export function Route({ order, delivery, history }: RouteProps) {
  const now_ms = useNow_ms();
  const usual = USUALLY[order.status];
  if (usual === undefined) return null;
  const share = shareOf(delivery, history, now_ms) ?? usual;
  const x = 20 + 260 * share;
  return (
    <svg className="route" viewBox="0 0 300 40" aria-hidden="true" data-testid="route">
      <path className="route-way" d="M20 24H280" />
      <path className="route-done" d={`M20 24H${x}`} />
      <path className="route-place" d="M12 30v-9l8-7 8 7v9zM272 30v-9l8-7 8 7v9z" />
      <circle className="route-driver" cx={x} cy="24" r="8" />
    </svg>
  );
}

function shareOf({ eta }: Delivery, history: readonly HistoryEntry[], now_ms: number): number | undefined {
  const left_at = history.findLast(({ toStatus }) => toStatus === "picked_up")?.at;
  if (eta === null || left_at === undefined) return undefined;
  const [begin_ms, end_ms] = [Date.parse(left_at), Date.parse(eta)];
  if (end_ms <= begin_ms) return undefined;
  return Math.min(Math.max((now_ms - begin_ms) / (end_ms - begin_ms), 0), SHARE_MAX);
}
