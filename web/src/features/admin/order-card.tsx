import type { Order } from "@ordercast/client";
import { memo, type RefObject, useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import { PaymentBadge, StatusBadge } from "../../ui/badges";
import { ChatLink } from "../../ui/chat-link";
import { OrderLink } from "../../order/open-order";
import { useBoardContext } from "./board-context";
import { DriverLine } from "./driver-line";
import { DriverPicker } from "./driver-picker";
import { LastMove } from "./last-move";
import { MoveNote } from "./move-note";
import { NoticeLine } from "./notice-line";
import { OrderActions } from "./order-actions";
import { OrderLines } from "./order-lines";
import { OutcomeNote } from "./outcome-note";
import { PaymentSums } from "./payment-sums";
import { PreparationPicker } from "./preparation-picker";
import { PromisedLine } from "./promised-line";
import { type Stage, stageOf } from "./stages";
import { TimeInState } from "./time-in-state";
import { isFocusLost } from "./use-kept-focus";

interface OrderCardProps {
  order: Order;
  fresh: boolean;
  /** It stands elsewhere by now: only its place is kept, so that nothing moves under a pointer. */
  gone: boolean;
}

/** Stages of several statuses: in the others the column has said it. */
const SEVERAL: ReadonlySet<Stage> = new Set(["ready", "moving", "done"]);

/** An order as a ticket: what is to be made, for whom, for how long it has waited, and the one next step. */
export const OrderCard = memo(function OrderCard({ order, fresh, gone }: OrderCardProps) {
  const { t, money } = useText();
  const { board } = useBoardContext();
  const { name, mobile } = order.customerInfo;
  const card = useRef<HTMLElement>(null);
  const { unseen, looked, look } = useNotice(order);
  const isTakenAway = useStore(board.store, ({ cancelled }) => cancelled.has(order.id));
  useFocusAfterMove(card, order.id);
  useFreshness(order.id, fresh);
  const marks = { fresh, unseen, gone, cancelled: isTakenAway };
  return (
    <article
      ref={card}
      tabIndex={-1}
      aria-label={t("order.ticket", { number: String(order.number) })}
      className={["card order", ...Object.entries(marks).map(([mark, holds]) => holds && `order--${mark}`)]
        .filter(Boolean)
        .join(" ")}
      inert={gone}
      data-testid={gone ? "order-gone" : "order-card"}
      data-order-id={order.id}
      data-status={order.status}
      {...look}
    >
      {unseen && <p className="order-unseen">{t("order.unseen")}</p>}
      <div className="order-head">
        <OrderLink id={order.id} className="order-number">
          #{order.number}
        </OrderLink>
        <TimeInState order={order} />
      </div>
      <p className="order-who">
        <strong data-testid="order-name">{name ?? t("order.unnamed")}</strong>
        <span className="order-total" data-testid="order-total">
          {money(order.total, order.currency)}
        </span>
      </p>
      <p className="badges">
        <span className="badge-tone" data-tone={order.fulfilment === "delivery" ? "move" : "ready"}>
          {t(`fulfilment.${order.fulfilment}`)}
        </span>
        {SEVERAL.has(stageOf(order.status)) && <StatusBadge order={order} />}
        <PaymentBadge order={order} />
      </p>
      <PromisedLine order={order} />
      <OrderLines order={order} />
      <p className="order-contact">
        {mobile !== null && (
          <a href={`tel:${mobile}`} data-testid="order-mobile">
            {mobile}
          </a>
        )}
        <ChatLink about={order.id} />
      </p>
      {order.driverId !== null && <DriverLine driverId={order.driverId} />}
      <LastMove order={order} />
      <PaymentSums order={order} />
      {!gone && <OutcomeNote id={order.id} />}
      {!gone && <MoveNote id={order.id} />}
      <DriverPicker order={order} />
      {order.status === "pending" && !gone && !isTakenAway && <PreparationPicker order={order} />}
      <OrderActions order={order} isTakenAway={isTakenAway} />
      {/* Below what is pressed: it comes with the press, and must not move the button from under the finger. */}
      {looked && <NoticeLine order={order} />}
    </article>
  );
});

/**
 * Tells that the card of an order that waits is on this screen, and that a person has looked at it: by a press on it, or
 * by a key that has led there. Answers whether nobody has for a while.
 */
function useNotice({ id, status }: Order) {
  const { board, notice } = useBoardContext();
  const waits = status === "pending";
  useEffect(() => {
    if (waits) notice.painted(id);
  }, [notice, id, waits]);
  const unseen = useStore(board.store, (state) => state.unseen.has(id));
  const [looked, setLooked] = useState(false);
  const opened = () => {
    if (waits) setLooked(true);
    board.opened(id);
    if (waits) notice.opened(id);
  };
  const look = {
    onPointerDown: opened,
    onKeyUp: ({ key }: { key: string }) => {
      if (key === "Tab" || key.startsWith("Arrow")) opened();
    },
  };
  return { unseen: waits && unseen, looked: waits && looked, look };
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
function useFocusAfterMove(card: RefObject<HTMLElement | null>, id: string): void {
  const { board } = useBoardContext();
  useEffect(() => {
    if (isFocusLost() && board.store.getState().moved === id) card.current?.focus({ preventScroll: true });
  }, [board, card, id]);
}
