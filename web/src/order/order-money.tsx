import type { Order } from "@ordercast/client";
import { useState } from "react";
import { useText } from "../i18n/text";
import { Sums } from "../ui/sums";
import { refundable } from "./money-back";
import { RefundDialog } from "./refund-dialog";

/** What was bought and what it comes to, what was paid and given back, and the way to give back more. */
export function OrderMoney({ order, onChanged }: { order: Order; onChanged: () => void }) {
  const { t, money } = useText();
  const [refunding, setRefunding] = useState(false);
  const sums = [
    ["paid", order.amountPaid],
    ["refunded", order.amountRefunded],
    ["refunding", order.amountRefunding],
  ] as const;
  const close = () => {
    setRefunding(false);
    onChanged();
  };
  return (
    <section aria-labelledby="opened-items">
      <h3 id="opened-items">{t("opened.items")}</h3>
      <Lines order={order} />
      <Sums of={order} totalId="opened-total" />
      <dl className="sums">
        {sums.map(
          ([name, minor]) =>
            minor > 0 && (
              <div key={name}>
                <dt>{t(`refund.${name}`)}</dt>
                <dd data-testid={`opened-${name}`}>{money(minor, order.currency)}</dd>
              </div>
            ),
        )}
      </dl>
      {refundable(order) > 0 && (
        <button
          type="button"
          className="button button--small"
          data-testid="opened-refund"
          onClick={() => setRefunding(true)}
        >
          {t("refund.open")}
        </button>
      )}
      {refunding && <RefundDialog order={order} onClose={close} />}
    </section>
  );
}

export function Lines({ order }: { order: Order }) {
  const { t, money } = useText();
  return (
    <ul className="order-lines">
      {order.cartItems.map((line, index) => (
        <li key={index}>
          <span>
            {t("order.line", { count: line.quantity, name: line.name })}
            {line.note && <span className="line-note">{line.note}</span>}
          </span>
          <span>{money(line.lineTotal, order.currency)}</span>
        </li>
      ))}
    </ul>
  );
}
