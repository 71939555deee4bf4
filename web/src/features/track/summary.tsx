import type { Address, Order } from "@ordercast/client";
import { useText } from "../../i18n/text";

/** What was ordered, what it costs by the server's reckoning, and where it goes. */
export function Summary({ order }: { order: Order }) {
  const { t, money } = useText();
  const address = order.shippingInfo ?? order.billingInfo;
  const sums = [
    ["sum.subtotal", order.subtotal],
    ["sum.tax", order.tax],
    ["sum.shipping", order.shippingFee],
    ["sum.discount", -order.discount],
  ] as const;
  return (
    <section className="card summary" aria-labelledby="summary-heading">
      <h2 id="summary-heading">{t("track.summary")}</h2>
      <ul className="order-lines">
        {order.cartItems.map((line) => (
          <li key={line.productId}>
            <span>{t("order.line", { count: line.quantity, name: line.name })}</span>
            <span>{money(line.lineTotal, order.currency)}</span>
          </li>
        ))}
      </ul>
      <dl className="sums">
        {sums.map(
          ([key, minor]) =>
            minor !== 0 && (
              <div key={key}>
                <dt>{t(key)}</dt>
                <dd>{money(minor, order.currency)}</dd>
              </div>
            ),
        )}
        <div className="sums-total">
          <dt>{t("sum.total")}</dt>
          <dd data-testid="track-total">{money(order.total, order.currency)}</dd>
        </div>
      </dl>
      <h3>{t(`fulfilment.${order.fulfilment}`)}</h3>
      {address && <Destination address={address} named={order.fulfilment === "pickup"} />}
    </section>
  );
}

/** Where it goes; of what is collected, only by whom. */
function Destination({ address, named }: { address: Address; named: boolean }) {
  if (named) return <address>{address.name}</address>;
  return (
    <address>
      {address.name}
      <br />
      {address.line1}
      <br />
      {address.city} {address.postcode}
    </address>
  );
}
