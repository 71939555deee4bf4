import type { Order } from "@ordercast/client";
import { useCallback, useState } from "react";
import { navigate } from "wouter/use-browser-location";
import type { Transition } from "../../api/status-flow";
import { useText } from "../../i18n/text";
import { Dots } from "../../ui/icons";
import { Menu, type MenuEntry } from "../../ui/menu";
import { actionOf, asksWhy, byTone, toneOf } from "./action-label";
import { useBoardContext } from "./board-context";
import { PrintSheet } from "../../order/print-sheet";
import { refundable } from "../../order/money-back";
import { pickerOf } from "./driver-picker";
import { nextMoves } from "./next-moves";
import { minutesOf } from "./preparation";
import { PromiseDialog } from "./promise-dialog";
import { ReasonDialog } from "./reason-dialog";
import { RefundDialog } from "./refund-dialog";

interface OrderActionsProps {
  order: Order;
  /** Cancelled by its buyer, and nobody here has seen it yet. */
  isTakenAway: boolean;
}

/** The next step as one button as wide as the card; all else that the server's table allows, behind a menu. */
export function OrderActions({ order, isTakenAway }: OrderActionsProps) {
  const { t } = useText();
  const { moves, flow, session, usualMinutes } = useBoardContext();
  const [asking, setAsking] = useState<Transition>();
  const [refunding, setRefunding] = useState(false);
  const [promising, setPromising] = useState(false);
  const [printing, setPrinting] = useState(false);
  const printed = useCallback(() => setPrinting(false), []);
  const possible = flow === undefined ? [] : nextMoves(flow, order, session.user.role).toSorted(byTone);
  const [first, ...others] = possible;
  const isForDriver = order.status === "ready_for_delivery";
  const next = first !== undefined && toneOf(first) === "forward" ? first : undefined;
  const press = (move: Transition) => {
    if (asksWhy(move, order)) setAsking(move);
    else
      moves.press(order.id, move.to, undefined, accepts(move) ? minutesOf(order, usualMinutes) : undefined);
  };
  const entries = (next === undefined ? possible : others).map((move): MenuEntry => ({
    key: move.to,
    label: actionOf(t, move, order.fulfilment),
    onSelect: () => press(move),
    danger: toneOf(move) === "against",
    testId: "status-button",
    data: { "data-to": move.to },
  }));
  if (order.status === "processing")
    entries.push({
      key: "promise",
      label: t("prep.change"),
      onSelect: () => setPromising(true),
      testId: "promise-open",
    });
  entries.push({
    key: "open",
    label: t("order.allOfIt"),
    onSelect: () => navigate(`/admin/orders/${order.id}`),
    testId: "order-open",
  });
  entries.push({
    key: "print",
    label: t("sheet.print.ticket"),
    onSelect: () => setPrinting(true),
    testId: "ticket-print",
  });
  if (refundable(order) > 0)
    entries.push({
      key: "refund",
      label: t("refund.open"),
      onSelect: () => setRefunding(true),
      testId: "refund-open",
    });
  return (
    <>
      {(isForDriver || next !== undefined || entries.length > 0 || isTakenAway) && (
        <div className="order-moves">
          <Primary order={order} next={next} isTakenAway={isTakenAway} onPress={press} />
          {entries.length > 0 && (
            <Menu
              label={t("order.more", { number: String(order.number) })}
              testId="order-menu"
              className="button button--icon button--more"
              entries={entries}
            >
              <Dots />
            </Menu>
          )}
        </div>
      )}
      {asking && (
        <ReasonDialog
          to={asking.to}
          title={t("reason.title", {
            action: actionOf(t, asking, order.fulfilment),
            number: String(order.number),
          })}
          onClose={() => setAsking(undefined)}
          onReason={(reason) => {
            setAsking(undefined);
            moves.press(order.id, asking.to, reason);
          }}
        />
      )}
      {printing && <PrintSheet order={order} kind="ticket" onPrinted={printed} />}
      {promising && <PromiseDialog order={order} onClose={() => setPromising(false)} />}
      {refunding && <RefundDialog order={order} onClose={() => setRefunding(false)} />}
    </>
  );
}

/** Whether the order begins to be prepared by it: with how long it takes. */
const accepts = ({ from, to }: Transition): boolean => from === "pending" && to === "processing";

interface PrimaryProps {
  order: Order;
  next: Transition | undefined;
  isTakenAway: boolean;
  onPress: (move: Transition) => void;
}

/** The one button that a card is pressed for. */
function Primary({ order, next, isTakenAway, onPress }: PrimaryProps) {
  const { t } = useText();
  const { board } = useBoardContext();
  const common = { className: "button button--primary button--next", "data-primary": true };
  if (isTakenAway)
    return (
      <button
        {...common}
        type="button"
        data-testid="cancelled-seen"
        onClick={() => board.acknowledge(order.id)}
      >
        {t("cancelled.seen")}
      </button>
    );
  if (order.status === "ready_for_delivery")
    return (
      <button {...common} type="submit" form={pickerOf(order)} data-testid="driver-assign">
        {t("driver.assign")}
      </button>
    );
  if (next === undefined) return null;
  return (
    <button
      {...common}
      type="button"
      data-testid="status-button"
      data-to={next.to}
      onClick={() => onPress(next)}
    >
      {actionOf(t, next, order.fulfilment)}
    </button>
  );
}
