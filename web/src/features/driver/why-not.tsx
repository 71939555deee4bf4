import { type SyntheticEvent, useState } from "react";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";

const REASONS = ["whyNot.nobody", "whyNot.address", "whyNot.refused"] as const;

interface WhyNotProps {
  number: number;
  /** Whether the usual reasons fit. */
  presets: boolean;
  onClose: () => void;
  onReason: (reason: string) => void;
}

/** Why it does not go on: one press for what is usual, words for the rest. */
export function WhyNot({ number, presets, onClose, onReason }: WhyNotProps) {
  const { t } = useText();
  const [words, setWords] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (words.trim() !== "") onReason(words.trim());
  };
  return (
    <Dialog title={t("whyNot.title", { number: String(number) })} onClose={onClose}>
      {presets && (
        <div className="reasons">
          {REASONS.map((key) => (
            <button
              key={key}
              type="button"
              className="button thumb"
              data-testid="why-not"
              onClick={() => onReason(t(key))}
            >
              {t(key)}
            </button>
          ))}
        </div>
      )}
      <form onSubmit={submit}>
        <Field
          label={t("whyNot.other")}
          name="reason"
          maxLength={500}
          required
          value={words}
          onChange={({ target }) => setWords(target.value)}
        />
        <div className="dialog-actions">
          <button type="button" className="button thumb" onClick={onClose}>
            {t("reason.back")}
          </button>
          <button type="submit" className="button button--primary thumb">
            {t("reason.submit")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
