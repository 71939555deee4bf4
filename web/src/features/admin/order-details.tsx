import type { Order } from "@ordercast/client";
import { useState } from "react";
import { useText } from "../../i18n/text";
import { useBoardContext } from "./board-context";
import { NoticeLine } from "./notice-line";

/** What to pack and where it goes; folded away until wanted. */
export function OrderDetails({ order }: { order: Order }) {
  const { t, money } = useText();
  const { board, notice } = useBoardContext();
  const [open, setOpen] = useState(false);
  const address = order.shippingInfo ?? order.billingInfo;
  const { email } = order.customerInfo;
  const pieces = order.cartItems.reduce((sum, line) => sum + line.quantity, 0);
  return (
    <details
      className="order-details"
      onToggle={({ currentTarget }) => {
        setOpen(currentTarget.open);
        if (!currentTarget.open) return;
        board.opened(order.id);
        if (order.status === "pending") notice.opened(order.id);
      }}
    >
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
      {open && <NoticeLine order={order} />}
      {email !== null && <a href={`mailto:${email}`}>{email}</a>}
    </details>
  );
}
