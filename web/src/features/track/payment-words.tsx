import type { Order } from "@ordercast/client";
import { type Text, useText } from "../../i18n/text";
import { cardName } from "../../ui/card-name";
import { KeyedText } from "../../ui/keyed-text";

/** How the order is paid and what came back of it, in sentences. */
export function PaymentWords({ order }: { order: Order }) {
  const { t, money } = useText();
  const sum = (minor: number) => money(minor, order.currency);
  const { amountRefunded, amountRefunding } = order;
  return (
    <section className="payment-words" aria-labelledby="payment-heading">
      <h3 id="payment-heading">{t("checkout.payment")}</h3>
      <div aria-live="polite" data-testid="track-payment" data-status={order.paymentStatus}>
        <p>
          <KeyedText>{paid(order, t, sum)}</KeyedText>
        </p>
        {amountRefunded > 0 && (
          <p>
            <KeyedText>{t("paid.refunded", { amount: sum(amountRefunded) })}</KeyedText>
          </p>
        )}
        {amountRefunding > 0 && (
          <p>
            <KeyedText>{t("paid.refunding", { amount: sum(amountRefunding) })}</KeyedText>
          </p>
        )}
      </div>
    </section>
  );
}

function paid(order: Order, t: Text["t"], sum: (minor: number) => string): string {
  const { paymentStatus, paymentInfo, total, amountPaid } = order;
  const inCash = paymentInfo.method === "cash";
  const by = inCash
    ? t("paid.inCash")
    : t("paid.byCard", { card: cardName(paymentInfo) ?? t("payment.card") });
  if (paymentStatus === "unpaid" && inCash) return t("paid.cashToCome", { amount: sum(total) });
  const amount = sum(amountPaid > 0 ? amountPaid : total);
  // What came back is said in sentences of their own.
  return t(paymentStatus === "refunded" ? "paid.paid" : `paid.${paymentStatus}`, { amount, by });
}
