import { type SyntheticEvent, useState } from "react";
import type { MessageKey } from "../../i18n/en";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { MINUTES_MAX, PRESETS_MIN } from "./preparation";
import { ReasonField } from "../../ui/reason-field";

interface MinutesDialogProps {
  title: string;
  /** What is mostly the reason; where there are any, one is wanted. */
  reasons?: readonly MessageKey[];
  onClose: () => void;
  onMinutes: (minutes: number, reason: string) => void;
}

/** Asks in how many minutes an order will be ready, and perhaps why. */
export function MinutesDialog({ title, reasons, onClose, onMinutes }: MinutesDialogProps) {
  const { t } = useText();
  const [minutes, setMinutes] = useState("");
  const [reason, setReason] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (reasons === undefined || reason.trim() !== "") onMinutes(Number(minutes), reason.trim());
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <div className="chips reason-presets" role="group" aria-label={t("prep.usual")}>
          {PRESETS_MIN.map((each) => (
            <button
              key={each}
              type="button"
              className="chip"
              data-testid="minutes-preset"
              aria-pressed={minutes === String(each)}
              onClick={() => setMinutes(String(each))}
            >
              {t("prep.minutes", { count: each })}
            </button>
          ))}
        </div>
        <Field
          label={t("prep.fromNow")}
          name="minutes"
          type="number"
          inputMode="numeric"
          required
          min={1}
          max={MINUTES_MAX}
          step={1}
          data-testid="minutes-input"
          value={minutes}
          onChange={({ target }) => setMinutes(target.value)}
        />
        {reasons && <ReasonField presets={reasons} reason={reason} onChange={setReason} />}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t("reason.back")}
          </button>
          <button type="submit" className="button button--primary" data-testid="minutes-submit">
            {t("reason.submit")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
