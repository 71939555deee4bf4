import type { Order } from "@ordercast/client";
import { type SyntheticEvent, useState } from "react";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import type { Proof } from "./taps";

interface HandoverProps {
  order: Order;
  onClose: () => void;
  onProof: (step: { proof?: Proof }) => void;
}

/** What shows that it was handed over: the buyer's code, or a note; nothing where the shop asks for nothing. */
export function Handover({ order, onClose, onProof }: HandoverProps) {
  const { t } = useText();
  const [code, setCode] = useState("");
  const [note, setNote] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (code !== "") onProof({ proof: { kind: "code", value: code } });
    else if (note.trim() !== "") onProof({ proof: { kind: "note", value: note.trim() } });
    else onProof({});
  };
  return (
    <Dialog title={t("handover.title", { number: String(order.number) })} onClose={onClose}>
      <form onSubmit={submit} className="handover">
        <Field
          label={t("handover.code")}
          name="code"
          inputMode="numeric"
          autoComplete="off"
          pattern="[0-9]{6}"
          maxLength={6}
          hint={t("handover.codeHint")}
          value={code}
          data-testid="handover-code"
          onChange={({ target }) => setCode(target.value)}
        />
        <Field
          label={t("handover.note")}
          name="note"
          autoComplete="off"
          maxLength={200}
          disabled={code !== ""}
          value={note}
          data-testid="handover-note"
          onChange={({ target }) => setNote(target.value)}
        />
        <div className="dialog-actions">
          <button type="button" className="button thumb" onClick={onClose}>
            {t("reason.back")}
          </button>
          <button type="submit" className="button button--primary thumb" data-testid="handover-submit">
            {t("step.delivered")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
