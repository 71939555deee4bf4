import type { Order } from "@ordercast/client";
import { changePromisedTime } from "../../api/orders";
import { useText } from "../../i18n/text";
import { currentToken } from "../session/session";
import { useBoardContext } from "./board-context";
import { MinutesDialog } from "./minutes-dialog";

const REASONS = ["reason.busy", "reason.waitGoods", "reason.sooner"] as const;

/** Promises another time for an order that is being prepared. */
export function PromiseDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const { t } = useText();
  const { board, moves } = useBoardContext();
  const promise = async (minutes: number, reason: string) => {
    onClose();
    board.setOutcome(order.id, undefined);
    try {
      // What was pressed before comes first; it may make another version of the order.
      await moves.sendNow(order.id);
      const now = board.store.getState().orders.get(order.id) ?? order;
      board.merge([await changePromisedTime(now, minutes, reason, currentToken())]);
    } catch (error) {
      board.setOutcome(order.id, error instanceof Error ? error : new Error(String(error)));
    }
  };
  return (
    <MinutesDialog
      title={t("prep.title", { number: String(order.number) })}
      reasons={REASONS}
      onClose={onClose}
      onMinutes={(minutes, reason) => void promise(minutes, reason)}
    />
  );
}
