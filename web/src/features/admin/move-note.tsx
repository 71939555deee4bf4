import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import { useBoardContext } from "./board-context";

/** That what was pressed on this card has not reached the shop. */
export function MoveNote({ id }: { id: string }) {
  const { t } = useText();
  const { board, moves } = useBoardContext();
  const waits = useStore(board.store, (state) => state.moves.get(id)?.[0]?.state === "waiting");
  if (!waits) return null;
  return (
    <div className="note note--small order-waits" role="status" data-testid="move-waits">
      <p>{t("move.waits")}</p>
      <button type="button" className="button button--small" onClick={() => moves.undo(id)}>
        {t("move.undo")}
      </button>
    </div>
  );
}
