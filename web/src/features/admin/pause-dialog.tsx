import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { openingQuery, pauseShop } from "../../api/opening";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { currentToken } from "../session/session";

const PRESETS_MIN = [15, 30, 60, 120] as const;
const REASON_MAX = 200;

/** Takes no more orders for a while, or until somebody resumes. */
export function PauseDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [minutes, setMinutes] = useState<number | undefined>(PRESETS_MIN[0]);
  const [reason, setReason] = useState("");
  const pausing = useMutation({
    mutationFn: () => pauseShop(minutes, reason.trim(), currentToken()),
    onSuccess: (opening) => {
      queries.setQueryData(openingQuery.queryKey, opening);
      onClose();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!pausing.isPending) pausing.mutate();
  };
  return (
    <Dialog title={t("pause.title")} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="muted">{t("pause.lead")}</p>
        <div className="chips reason-presets" role="group" aria-label={t("pause.howLong")}>
          {[...PRESETS_MIN, undefined].map((each) => (
            <button
              key={each ?? "open"}
              type="button"
              className="chip"
              data-testid="pause-preset"
              aria-pressed={minutes === each}
              onClick={() => setMinutes(each)}
            >
              {each === undefined ? t("pause.untilResumed") : t("stats.minutes", { count: each })}
            </button>
          ))}
        </div>
        <Field
          label={t("pause.reason")}
          name="reason"
          maxLength={REASON_MAX}
          data-testid="pause-reason"
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        {pausing.error && <ProblemNote error={pausing.error} />}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t("reason.back")}
          </button>
          <button type="submit" className="button button--primary" data-testid="pause-submit">
            {t("pause.submit")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
