import { useId } from "react";
import type { MessageKey } from "../i18n/en";
import { useText } from "../i18n/text";

const REASON_MAX = 500;

interface ReasonFieldProps {
  /** What is mostly the reason; one press each, and to be changed before it is sent. */
  presets: readonly MessageKey[];
  reason: string;
  onChange: (reason: string) => void;
}

/** Asks why: by one press, or in words. */
export function ReasonField({ presets, reason, onChange }: ReasonFieldProps) {
  const { t } = useText();
  const id = useId();
  return (
    <>
      <div className="chips reason-presets" role="group" aria-label={t("reason.presets")}>
        {presets.map((key) => (
          <button
            key={key}
            type="button"
            className="chip"
            data-testid="reason-preset"
            aria-pressed={reason === t(key)}
            onClick={() => onChange(t(key))}
          >
            {t(key)}
          </button>
        ))}
      </div>
      <div className="field">
        <label htmlFor={id}>{t("reason.label")}</label>
        <textarea
          id={id}
          rows={3}
          required
          maxLength={REASON_MAX}
          data-testid="reason-input"
          value={reason}
          onChange={({ target }) => onChange(target.value)}
        />
        <p className="field-hint">{t("reason.hint")}</p>
      </div>
    </>
  );
}
