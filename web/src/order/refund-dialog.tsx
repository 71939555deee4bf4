import type { Order } from "@ordercast/client";
import { type SyntheticEvent, useState } from "react";
import { amountText, parseAmount } from "../i18n/amount";
import { useText } from "../i18n/text";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { ProblemNote } from "../ui/notes";
import { refundable } from "./money-back";
import { useRefund } from "./use-refund";

/** The server's bound. */
const REASON_MAX = 500;

interface RefundDialogProps {
  order: Order;
  onClose: () => void;
  onChanged?: (order: Order) => void;
  refresh?: () => Promise<Order>;
}

/** How much of an order's payment goes back, and why. */
export function RefundDialog({ order, onClose, onChanged, refresh }: RefundDialogProps) {
  const { t, money } = useText();
  const [part, setPart] = useState(false);
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const { refund, busy, error } = useRefund(order, { onDone: onClose, onChanged, refresh });
  const left = refundable(order);
  const amount = part ? parseAmount(typed, order.currency) : left;
  const fits = amount !== undefined && amount > 0 && amount <= left;
  const most = money(left, order.currency);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    // The whole is named too: what is meant is the sum on the screen, not what may be left by then.
    if (fits && reason.trim() !== "") refund({ reason: reason.trim(), amount });
  };
  return (
    <Dialog title={t("refund.title", { number: String(order.number) })} onClose={onClose}>
      <form onSubmit={submit}>
        <p data-testid="refund-left">{t("refund.left", { amount: most })}</p>
        <div className="refund-choices" role="radiogroup" aria-label={t("refund.howMuch")}>
          <label>
            <input type="radio" name="refund-part" checked={!part} onChange={() => setPart(false)} />
            {t("refund.whole", { amount: most })}
          </label>
          <label>
            <input
              type="radio"
              name="refund-part"
              data-testid="refund-part"
              checked={part}
              onChange={() => setPart(true)}
            />
            {t("refund.part")}
          </label>
        </div>
        {part && (
          <Field
            label={t("refund.amount", { currency: order.currency })}
            name="amount"
            inputMode="decimal"
            autoComplete="off"
            required
            data-testid="refund-amount"
            placeholder={amountText(left, order.currency)}
            value={typed}
            error={typed !== "" && !fits ? t("refund.wrongAmount", { amount: most }) : undefined}
            onChange={({ target }) => setTyped(target.value)}
          />
        )}
        <Field
          label={t("reason.label")}
          name="reason"
          required
          maxLength={REASON_MAX}
          hint={t("reason.hint")}
          data-testid="refund-reason"
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        {error && <ProblemNote error={error} />}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t("reason.back")}
          </button>
          <Button
            type="submit"
            className="button button--primary"
            data-testid="refund-submit"
            busy={busy}
            disabled={!fits}
          >
            {fits ? t("refund.submitSum", { amount: money(amount, order.currency) }) : t("refund.open")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
