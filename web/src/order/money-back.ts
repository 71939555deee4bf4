import type { Order } from "@ordercast/client";

type Payment = Pick<Order, "paymentStatus" | "amountPaid" | "amountRefunded" | "amountRefunding">;

/** What may still be given back, in minor units: nothing while a bank decides about a dispute. */
export function refundable(payment: Payment): number {
  const { paymentStatus, amountPaid, amountRefunded, amountRefunding } = payment;
  // Of a sum that failed a part may have been captured.
  if (!["paid", "partially_refunded", "failed"].includes(paymentStatus)) return 0;
  return amountPaid - amountRefunded - amountRefunding;
}
