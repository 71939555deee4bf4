import type { Order } from "@ordercast/client";
import { useText } from "../../i18n/text";

/** What to pack and where it goes. */
export function OrderLines({ order }: { order: Order }) {
  const { t, number } = useText();
  const address = order.shippingInfo ?? order.billingInfo;
  return (
    <>
      <ul className="ticket-lines" aria-label={t("order.what")}>
        {order.cartItems.map((line, index) => (
          // Another program's order may have no products of ours: the place is what a line is known by.
          <li key={index}>
            <b>{t("order.times", { count: number(line.quantity) })}</b> {line.name}
            {line.note && <span className="line-note">{line.note}</span>}
          </li>
        ))}
      </ul>
      {order.fulfilment === "delivery" && address && (
        <address className="order-address">
          {[address.line1, address.line2, address.city, address.postcode].filter(Boolean).join(", ")}
        </address>
      )}
    </>
  );
}
