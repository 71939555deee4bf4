import type { Order } from "@ordercast/client";
import { useMutation } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { cancelOrder } from "../../api/orders";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";

const REASONS = ["cancel.changed", "cancel.twice", "cancel.wrong", "cancel.slow"] as const;
const REASON_MAX = 500;

interface CancelDialogProps {
  order: Order;
  token: string;
  onClose: () => void;
  onCancelled: () => void;
}

/** Calls the order off: for a usual reason, or in the buyer's own words. */
export function CancelDialog({ order, token, onClose, onCancelled }: CancelDialogProps) {
  const { t } = useText();
  const [chosen, setChosen] = useState<string>(REASONS[0]);
  const [words, setWords] = useState("");
  const { mutate, isPending, error } = useMutation({
    mutationFn: (reason: string) => cancelOrder(order, reason, token),
    onSuccess: onCancelled,
  });
  const usual = REASONS.find((key) => key === chosen);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const reason = usual ? t(usual) : words.trim();
    if (reason !== "") mutate(reason);
  };
  return (
    <Dialog title={t("cancel.title", { number: String(order.number) })} onClose={onClose}>
      <form onSubmit={submit}>
        <fieldset className="cancel-reasons">
          <legend>{t("cancel.why")}</legend>
          {[...REASONS, "cancel.other" as const].map((key) => (
            <label key={key} className="tick">
              <input
                type="radio"
                name="reason"
                value={key}
                checked={chosen === key}
                onChange={() => setChosen(key)}
              />
              {t(key)}
            </label>
          ))}
        </fieldset>
        {usual === undefined && (
          <Field
            label={t("reason.label")}
            name="words"
            maxLength={REASON_MAX}
            value={words}
            onChange={({ target }) => setWords(target.value)}
          />
        )}
        {error && <ProblemNote error={error} />}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t("reason.back")}
          </button>
          <Button
            type="submit"
            className="button button--danger"
            data-testid="cancel-submit"
            busy={isPending}
            disabled={usual === undefined && words.trim() === ""}
          >
            {t("track.cancel")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
