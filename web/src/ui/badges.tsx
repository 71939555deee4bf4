import type { Order, Status } from "@ordercast/client";
import { useText } from "../i18n/text";
import { statusLabel } from "../i18n/statuses";

export type Tone = "wait" | "work" | "ready" | "move" | "good" | "bad" | "still";

const TONES: Record<Status, Tone> = {
  pending: "wait",
  processing: "work",
  ready_for_pickup: "ready",
  ready_for_delivery: "ready",
  driver_assigned: "ready",
  picked_up: "move",
  in_transit: "move",
  delivered: "good",
  delivery_failed: "bad",
  returning: "bad",
  returned: "bad",
  on_hold: "still",
  cancelled: "bad",
  rejected: "bad",
  expired: "still",
};

export function StatusBadge({ order }: { order: Pick<Order, "status" | "fulfilment"> }) {
  const { t } = useText();
  return (
    <span className="badge-tone" data-tone={TONES[order.status]}>
      {statusLabel(t, order.status, order.fulfilment)}
    </span>
  );
}

export function PaymentBadge({ order }: { order: Pick<Order, "paymentStatus" | "paymentInfo"> }) {
  const { t } = useText();
  const { paymentStatus, paymentInfo } = order;
  const cashToCome = paymentStatus === "unpaid" && paymentInfo.method === "cash";
  const tone: Tone = paymentStatus === "paid" ? "good" : paymentStatus === "failed" ? "bad" : "still";
  return (
    <span className="badge-tone" data-tone={tone}>
      {cashToCome ? t("payment.cash") : t(`paymentStatus.${paymentStatus}`)}
    </span>
  );
}
