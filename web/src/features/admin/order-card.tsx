import type { Order } from "@ordercast/client";
import { memo, type RefObject, useEffect, useRef } from "react";
import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import { Age } from "../../ui/age";
import { PaymentBadge, StatusBadge } from "../../ui/badges";
import { ChatLink } from "../../ui/chat-link";
import { useBoardContext } from "./board-context";
import { DriverPicker } from "./driver-picker";
import { OrderDetails } from "./order-details";
import { Payment } from "./payment";
import { StatusButtons } from "./status-buttons";
import { isFocusLost } from "./use-kept-focus";

interface OrderCardProps {
  order: Order;
  fresh: boolean;
  /** It stands elsewhere by now: only its place is kept, so that nothing moves under a pointer. */
  gone: boolean;
}

export const OrderCard = memo(function OrderCard({ order, fresh, gone }: OrderCardProps) {
  const { t, money } = useText();
  const { name, mobile } = order.customerInfo;
  const card = useRef<HTMLLIElement>(null);
  const unseen = useNotice(order);
  useFocusAfterMove(card, order.id);
  useFreshness(order.id, fresh);
  return (
    <li
      ref={card}
      tabIndex={-1}
      className={`card order${fresh ? " order--fresh" : ""}${unseen ? " order--unseen" : ""}${gone ? " order--gone" : ""}`}
      inert={gone}
      data-testid={gone ? "order-gone" : "order-card"}
      data-order-id={order.id}
      data-status={order.status}
    >
      {unseen && <p className="order-unseen">{t("order.unseen")}</p>}
      <div className="order-head">
        <span className="order-number">#{order.number}</span>
        <Age at={order.createdAt} />
      </div>
      <p className="order-who">
        <strong data-testid="order-name">{name ?? t("order.unnamed")}</strong>
        <span className="order-total" data-testid="order-total">
          {money(order.total, order.currency)}
        </span>
      </p>
      <p className="order-contact">
        {mobile !== null && (
          <a href={`tel:${mobile}`} data-testid="order-mobile">
            {mobile}
          </a>
        )}
        <span>{t(`fulfilment.${order.fulfilment}`)}</span>
        <ChatLink orderId={order.id} />
      </p>
      <p className="badges">
        <StatusBadge order={order} />
        <PaymentBadge order={order} />
      </p>
      <OrderDetails order={order} />
      <Payment order={order} />
      <DriverPicker order={order} />
      <StatusButtons order={order} gone={gone} />
    </li>
  );
});

/** Tells that the card of an order that waits is on this screen; answers whether nobody has opened it for a while. */
function useNotice({ id, status }: Order): boolean {
  const { board, notice } = useBoardContext();
  const waits = status === "pending";
  useEffect(() => {
    if (waits) notice.painted(id);
  }, [notice, id, waits]);
  const unseen = useStore(board.store, (state) => state.unseen.has(id));
  return waits && unseen;
}

const FRESH_FOR_MS = 6_000;

function useFreshness(id: string, fresh: boolean): void {
  const { board } = useBoardContext();
  useEffect(() => {
    if (!fresh) return;
    const timer = setTimeout(() => board.seen(id), FRESH_FOR_MS);
    return () => clearTimeout(timer);
  }, [board, id, fresh]);
}

/** A card that was moved by its own button is a new element in another column: the focus follows it there. */
function useFocusAfterMove(card: RefObject<HTMLLIElement | null>, id: string): void {
  const { board } = useBoardContext();
  useEffect(() => {
    if (isFocusLost() && board.store.getState().moved === id) card.current?.focus({ preventScroll: true });
  }, [board, card, id]);
}
