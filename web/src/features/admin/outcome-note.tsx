import type { Order } from "@ordercast/client";
import { useStore } from "zustand";
import type { HistoryEntry } from "../../api/orders";
import { statusLabel } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { ProblemText } from "../../ui/notes";
import { useBoardContext } from "./board-context";
import { nameOf } from "./name-of";

/** Why the last press on this card did not do what it said. */
export function OutcomeNote({ id }: { id: string }) {
  const { board } = useBoardContext();
  const outcome = useStore(board.store, (state) => state.outcomes.get(id));
  if (outcome === undefined) return null;
  return (
    <div className="note note--small note--bad" role="alert">
      {outcome instanceof Error ? <ProblemText error={outcome} /> : <ConflictText {...outcome} />}
    </div>
  );
}

function ConflictText({ order, last }: { order: Order; last: HistoryEntry | undefined }) {
  const { t, time } = useText();
  const status = statusLabel(t, order.status, order.fulfilment);
  if (last === undefined) return <p>{t("conflict.now", { status })}</p>;
  return <p>{t("conflict.by", { status, actor: nameOf(t, last), time: time(last.at) })}</p>;
}
