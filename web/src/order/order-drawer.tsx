import { useCallback, useId, useLayoutEffect, useRef, useState } from "react";
import { useText } from "../i18n/text";
import { PaymentBadge, StatusBadge } from "../ui/badges";
import { Cross } from "../ui/icons";
import { Loading, ProblemNote } from "../ui/notes";
import { OrderCustomer } from "./order-customer";
import { OrderDriver } from "./order-driver";
import { OrderMoney } from "./order-money";
import { NoteForm } from "./order-note";
import { OrderTimeline } from "./order-timeline";
import { useOpenOrder } from "./open-order";
import { PrintSheet, type SheetKind } from "./print-sheet";
import { useOrder } from "./use-order";
import "./order.css";

/** The order that the address names, over whatever page it is opened on. */
export function OrderDrawer() {
  const [id, close] = useOpenOrder();
  return id === null ? null : <Drawer key={id} id={id} onClose={close} />;
}

/** All of one order. The browser keeps the focus inside, closes it on Escape, and gives the focus back. */
export function Drawer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const { order, entries, error, reload } = useOrder(id);
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="drawer"
      aria-labelledby={title}
      data-testid="order-drawer"
      onCancel={(event) => {
        event.preventDefault();
        // A dialog above it cancels by itself.
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className="drawer-head">
        <h2 id={title} tabIndex={-1}>
          {order ? t("opened.title", { number: String(order.number) }) : t("loading")}
        </h2>
        <button
          type="button"
          className="button button--quiet button--icon"
          aria-label={t("opened.close")}
          title={t("opened.close")}
          data-testid="drawer-close"
          onClick={onClose}
        >
          <Cross />
        </button>
      </div>
      {error && <ProblemNote error={error} onRetry={reload} />}
      {!order && !error && <Loading cards={2} />}
      {order && (
        <>
          <p className="badges">
            <span className="badge-tone" data-tone={order.fulfilment === "delivery" ? "move" : "ready"}>
              {t(`fulfilment.${order.fulfilment}`)}
            </span>
            <StatusBadge order={order} />
            <PaymentBadge order={order} />
          </p>
          <Printing order={order} />
          <OrderMoney order={order} onChanged={reload} />
          <OrderDriver order={order} onChanged={reload} />
          <OrderCustomer order={order} />
          <NoteForm id={id} onNoted={reload} />
          {entries && <OrderTimeline order={order} entries={entries} />}
        </>
      )}
    </dialog>
  );
}

function Printing({ order }: { order: Parameters<typeof PrintSheet>[0]["order"] }) {
  const { t } = useText();
  const [kind, setKind] = useState<SheetKind>();
  const printed = useCallback(() => setKind(undefined), []);
  return (
    <p className="drawer-tools">
      {(["ticket", "receipt"] as const).map((each) => (
        <button
          key={each}
          type="button"
          className="button button--small"
          data-testid={`print-${each}`}
          onClick={() => setKind(each)}
        >
          {t(`sheet.print.${each}`)}
        </button>
      ))}
      {kind && <PrintSheet key={kind} order={order} kind={kind} onPrinted={printed} />}
    </p>
  );
}
