import type { Order } from "@ordercast/client";
import { useCallback, useState } from "react";
import { useText } from "../../../i18n/text";
import { PrintSheet } from "../../../order/print-sheet";
import { StatusBadge } from "../../../ui/badges";
import { actionOf, byTone, toneOf } from "../action-label";
import { useBoardContext } from "../board-context";
import { nextMoves } from "../next-moves";
import { OutcomeNote } from "../outcome-note";
import { PromisedLine } from "../promised-line";
import { TimeInState } from "../time-in-state";
import { useBumps } from "./bumps";

interface TicketProps {
  order: Order;
  /** Called back: it is ready, and only looked at. */
  recalled: boolean;
}

/** What is to be made, as large as it can be read from the stove: each item is struck off by a press. */
export function Ticket({ order, recalled }: TicketProps) {
  const { t, number } = useText();
  const [made, setMade] = useState<ReadonlySet<number>>(new Set());
  const toggle = (index: number) =>
    setMade((before) => {
      const next = new Set(before);
      if (!next.delete(index)) next.add(index);
      return next;
    });
  return (
    <li>
      <article
        tabIndex={-1}
        className="card order kitchen-ticket"
        aria-label={t("order.ticket", { number: String(order.number) })}
        data-testid="kitchen-ticket"
        data-order-id={order.id}
        data-recalled={recalled || undefined}
      >
        <div className="order-head">
          <strong className="order-number">#{order.number}</strong>
          <TimeInState order={order} />
        </div>
        <p className="badges">
          <span className="badge-tone" data-tone={order.fulfilment === "delivery" ? "move" : "ready"}>
            {t(`fulfilment.${order.fulfilment}`)}
          </span>
          {recalled && <StatusBadge order={order} />}
        </p>
        <PromisedLine order={order} />
        <ul className="kitchen-items" aria-label={t("order.what")}>
          {order.cartItems.map((line, index) => (
            <li key={index}>
              <button
                type="button"
                className="kitchen-item"
                aria-pressed={made.has(index)}
                data-testid="kitchen-item"
                onClick={() => toggle(index)}
              >
                <b>{t("order.times", { count: number(line.quantity) })}</b> {line.name}
                {line.note && <span className="line-note">{line.note}</span>}
              </button>
            </li>
          ))}
        </ul>
        <OutcomeNote id={order.id} />
        <div className="order-moves">
          {recalled ? <Dismiss order={order} /> : <Bump order={order} />}
          <Print order={order} />
        </div>
      </article>
    </li>
  );
}

/** Sends the order off: it is ready. It can be taken back as every press can. */
function Bump({ order }: { order: Order }) {
  const { t } = useText();
  const { moves, flow, session } = useBoardContext();
  const bump = useBumps((state) => state.bump);
  const possible = flow === undefined ? [] : nextMoves(flow, order, session.user.role).toSorted(byTone);
  const [next] = possible.filter((move) => toneOf(move) === "forward");
  if (next === undefined) return null;
  return (
    <button
      type="button"
      className="button button--primary button--next"
      data-bump
      data-testid="bump"
      onClick={() => {
        bump(order.id);
        moves.press(order.id, next.to);
      }}
    >
      {actionOf(t, next, order.fulfilment)}
    </button>
  );
}

function Dismiss({ order }: { order: Order }) {
  const { t } = useText();
  const dismiss = useBumps((state) => state.dismiss);
  return (
    <button
      type="button"
      className="button button--next"
      data-bump
      data-testid="recall-dismiss"
      onClick={() => dismiss(order.id)}
    >
      {t("kitchen.dismiss")}
    </button>
  );
}

function Print({ order }: { order: Order }) {
  const { t } = useText();
  const [printing, setPrinting] = useState(false);
  const printed = useCallback(() => setPrinting(false), []);
  return (
    <>
      <button
        type="button"
        className="button"
        data-print
        data-testid="kitchen-print"
        onClick={() => setPrinting(true)}
      >
        {t("sheet.print.ticket")}
      </button>
      {printing && <PrintSheet order={order} kind="ticket" onPrinted={printed} />}
    </>
  );
}
