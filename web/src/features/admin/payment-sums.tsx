import type { Order } from "@ordercast/client";
import { useText } from "../../i18n/text";

/** What was paid and given back of an order. */
export function PaymentSums({ order }: { order: Order }) {
  const { t, money } = useText();
  const { amountPaid, amountRefunded, amountRefunding, currency } = order;
  if (amountPaid === 0) return null;
  const sums = [
    ["paid", amountPaid],
    ["refunded", amountRefunded],
    ["refunding", amountRefunding],
  ] as const;
  return (
    <dl className="order-payment" data-testid="order-payment">
      {sums.map(
        ([name, minor]) =>
          minor > 0 && (
            <div key={name}>
              <dt>{t(`refund.${name}`)}</dt>
              <dd data-testid={`order-${name}`}>{money(minor, currency)}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
