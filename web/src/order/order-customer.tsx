import type { Order } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { ordersWithQuery } from "../api/order-archive";
import { useText } from "../i18n/text";
import { StatusBadge } from "../ui/badges";
import { ChatLink } from "../ui/chat-link";
import { currentToken } from "../features/session/session";
import { OrderLink } from "./open-order";

const EARLIER_MAX = 5;

/** Who ordered, how to reach them, where it goes, and what they ordered before. */
export function OrderCustomer({ order }: { order: Order }) {
  const { t } = useText();
  const { name, email, mobile } = order.customerInfo;
  const address = order.shippingInfo ?? order.billingInfo;
  return (
    <section aria-labelledby="opened-customer">
      <h3 id="opened-customer">{t("opened.customer")}</h3>
      <p>
        <strong>{name ?? t("order.unnamed")}</strong>
      </p>
      <p className="opened-contact">
        {mobile !== null && <a href={`tel:${mobile}`}>{mobile}</a>}
        {email !== null && <a href={`mailto:${email}`}>{email}</a>}
        <ChatLink about={order.id} />
      </p>
      {address && (
        <address>
          {[address.name, address.line1, address.line2, address.city, address.postcode]
            .filter(Boolean)
            .join(", ")}
        </address>
      )}
      <Earlier order={order} word={email ?? mobile} />
    </section>
  );
}

function Earlier({ order, word }: { order: Order; word: string | null }) {
  const { t, money, dateTime } = useText();
  const found = useQuery(ordersWithQuery(word, EARLIER_MAX + 1, currentToken));
  const others = found.data?.filter(({ id }) => id !== order.id).slice(0, EARLIER_MAX) ?? [];
  if (others.length === 0) return null;
  return (
    <>
      <h4>{t("opened.others")}</h4>
      <ul className="opened-others" data-testid="opened-others">
        {others.map((each) => (
          <li key={each.id}>
            <OrderLink id={each.id}>#{each.number}</OrderLink>
            <span>{dateTime(each.createdAt)}</span>
            <StatusBadge order={each} />
            <span>{money(each.total, each.currency)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
