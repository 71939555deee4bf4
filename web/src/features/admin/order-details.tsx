import type { Order } from "@ordercast/client";
import { useText } from "../../i18n/text";

/** What to pack and where it goes; folded away until wanted. */
export function OrderDetails({ order }: { order: Order }) {
  const { t, money } = useText();
  const address = order.shippingInfo ?? order.billingInfo;
  const { email } = order.customerInfo;
  const pieces = order.cartItems.reduce((sum, line) => sum + line.quantity, 0);
  return (
    <details className="order-details">
      <summary>{t("order.items", { count: pieces })}</summary>
      <ul className="order-lines">
        {order.cartItems.map((line) => (
          <li key={line.productId}>
            <span>{t("order.line", { count: line.quantity, name: line.name })}</span>
            <span>{money(line.lineTotal, order.currency)}</span>
          </li>
        ))}
      </ul>
      {order.fulfilment === "delivery" && address && (
        <address>
          {address.name}, {address.line1}, {address.city} {address.postcode}
        </address>
      )}
      {email !== null && <a href={`mailto:${email}`}>{email}</a>}
    </details>
  );
}
