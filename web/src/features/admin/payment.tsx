import type { Order } from "@ordercast/client";
import { useState } from "react";
import { useText } from "../../i18n/text";
import { refundable } from "./money-back";
import { RefundDialog } from "./refund-dialog";

/** What was paid and given back of an order, and the way to give back more. */
export function Payment({ order }: { order: Order }) {
  const { t, money } = useText();
  const [refunding, setRefunding] = useState(false);
  const { amountPaid, amountRefunded, amountRefunding, currency } = order;
  if (amountPaid === 0) return null;
  const sums = [
    ["paid", amountPaid],
    ["refunded", amountRefunded],
    ["refunding", amountRefunding],
  ] as const;
  return (
    <div className="order-payment" data-testid="order-payment">
      <dl>
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
      <button
        type="button"
        className="button button--small"
        data-testid="refund-open"
        disabled={refundable(order) === 0}
        title={refundable(order) === 0 ? t("refund.nothing") : undefined}
        onClick={() => setRefunding(true)}
      >
        {t("refund.open")}
      </button>
      {refunding && <RefundDialog order={order} onClose={() => setRefunding(false)} />}
    </div>
  );
}
