import type { Status } from "@ordercast/client";
import { type SyntheticEvent, useState } from "react";
import type { MessageKey } from "../../i18n/en";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { ReasonField } from "../../ui/reason-field";

interface ReasonDialogProps {
  /** What the order is to become. */
  to: Status;
  title: string;
  onClose: () => void;
  onReason: (reason: string) => void;
}

/** What is mostly the reason; one press each, and to be changed before it is sent. */
const PRESETS: Partial<Record<Status, readonly MessageKey[]>> = {
  rejected: ["reason.busy", "reason.soldOut", "reason.closing", "reason.tooFar"],
  cancelled: ["reason.customerAsked", "reason.soldOut", "reason.noAnswer", "reason.mistake"],
  on_hold: ["reason.askCustomer", "reason.waitGoods", "reason.busy"],
  ready_for_delivery: ["reason.driverLate", "reason.driverAsked"],
};
const OTHERS: readonly MessageKey[] = ["reason.noAnswer", "reason.wrongAddress", "reason.refused"];

export function ReasonDialog({ to, title, onClose, onReason }: ReasonDialogProps) {
  const { t } = useText();
  const [reason, setReason] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (reason.trim() !== "") onReason(reason.trim());
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <ReasonField presets={PRESETS[to] ?? OTHERS} reason={reason} onChange={setReason} />
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
