import { type SyntheticEvent, useId, useState } from "react";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";

interface ReasonDialogProps {
  title: string;
  onClose: () => void;
  onReason: (reason: string) => void;
}

const REASON_MAX = 500;

export function ReasonDialog({ title, onClose, onReason }: ReasonDialogProps) {
  const { t } = useText();
  const id = useId();
  const [reason, setReason] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (reason.trim() !== "") onReason(reason.trim());
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <div className="field">
          <label htmlFor={id}>{t("reason.label")}</label>
          <textarea
            id={id}
            rows={3}
            required
            maxLength={REASON_MAX}
            data-testid="reason-input"
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
          <p className="field-hint">{t("reason.hint")}</p>
        </div>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t("reason.back")}
          </button>
          <button type="submit" className="button button--primary" data-testid="reason-submit">
            {t("reason.submit")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
