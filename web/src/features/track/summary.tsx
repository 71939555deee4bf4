import type { Address, Order } from "@ordercast/client";
import { useText } from "../../i18n/text";
import { Sums } from "../../ui/sums";
import { useLineName } from "./line-names";
import { PaymentWords } from "./payment-words";

/** What was ordered, what it costs by the server's reckoning, and where it goes. */
export function Summary({ order }: { order: Order }) {
  const { t, money } = useText();
  const nameOf = useLineName();
  const address = order.shippingInfo ?? order.billingInfo;
  return (
    <section className="card summary" aria-labelledby="summary-heading">
      <h2 id="summary-heading">{t("track.summary")}</h2>
      <ul className="order-lines">
        {order.cartItems.map((line, index) => (
          <li key={index}>
            <span>
              <bdi>{t("order.line", { count: line.quantity, name: nameOf(line) })}</bdi>
              {line.note && <bdi className="line-note">{line.note}</bdi>}
            </span>
            <span>{money(line.lineTotal, order.currency)}</span>
          </li>
        ))}
      </ul>
      <Sums of={order} totalId="track-total" />
      <PaymentWords order={order} />
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
