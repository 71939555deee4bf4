import type { Order } from "@ordercast/client";
import { useEffect } from "react";
import { createPortal } from "react-dom";
import { useText } from "../i18n/text";
import { PaymentBadge } from "../ui/badges";
import { Sums } from "../ui/sums";
import { Lines } from "./order-money";

export type SheetKind = "ticket" | "receipt";

interface PrintSheetProps {
  order: Order;
  kind: SheetKind;
  onPrinted: () => void;
}

/** Prints an order by itself: a ticket of 80 mm for the kitchen, or a receipt for its buyer. */
export function PrintSheet({ order, kind, onPrinted }: PrintSheetProps) {
  useEffect(() => {
    window.addEventListener("afterprint", onPrinted);
    window.print();
    return () => window.removeEventListener("afterprint", onPrinted);
  }, [onPrinted]);
  return createPortal(
    <article className={`sheet sheet--${kind}`} data-testid="print-sheet">
      {kind === "ticket" ? <Ticket order={order} /> : <Receipt order={order} />}
    </article>,
    document.body,
  );
}

function Ticket({ order }: { order: Order }) {
  const { t, number, dateTime, time } = useText();
  const { name, mobile } = order.customerInfo;
  return (
    <>
      <p className="sheet-number">#{order.number}</p>
      <p>
        {t(`fulfilment.${order.fulfilment}`)} · {dateTime(order.createdAt)}
      </p>
      {order.requestedTime != null && <p>{t("order.wanted", { time: dateTime(order.requestedTime) })}</p>}
      {order.promisedAt != null && <p>{t("prep.by", { time: time(order.promisedAt) })}</p>}
      <ul className="sheet-items">
        {order.cartItems.map((line, index) => (
          <li key={index}>
            <strong>{number(line.quantity)} ×</strong> {line.name}
            {line.note && <em className="sheet-note">{line.note}</em>}
          </li>
        ))}
      </ul>
      <p>
        {name} {mobile}
      </p>
      {order.fulfilment === "delivery" && <Where order={order} />}
    </>
  );
}

function Receipt({ order }: { order: Order }) {
  const { t, money, dateTime } = useText();
  return (
    <>
      <h1>{t("sheet.receipt", { number: String(order.number) })}</h1>
      <p>{dateTime(order.createdAt)}</p>
      <p>{order.customerInfo.name}</p>
      <Where order={order} />
      <Lines order={order} />
      <Sums of={order} totalId="sheet-total" />
      <p>
        <PaymentBadge order={order} />
      </p>
      {order.amountRefunded > 0 && (
        <p>
          {t("refund.refunded")}: {money(order.amountRefunded, order.currency)}
        </p>
      )}
    </>
  );
}

function Where({ order }: { order: Order }) {
  const address = order.shippingInfo ?? order.billingInfo;
  if (!address) return null;
  return (
    <address>
      {[address.name, address.line1, address.line2, address.city, address.postcode]
        .filter(Boolean)
        .join(", ")}
    </address>
  );
}
