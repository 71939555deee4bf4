import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import { actionOf } from "./action-label";
import type { PendingMove } from "./board";
import { useBoardContext } from "./board-context";
import { useBoardSettings } from "./settings";
import { isFocusLost } from "./use-kept-focus";

/** More than these nobody reads in time. */
const SHOWN_MAX = 3;

/** What was pressed last, for as long as it can be taken back. */
export function UndoBar() {
  const { t } = useText();
  const { board } = useBoardContext();
  const moves = useStore(board.store, (state) => state.moves);
  const undoable = undoableOf(moves);
  return (
    <div className="undo-bar" role="status" aria-label={t("move.undoBar")}>
      {undoable.slice(-SHOWN_MAX).map((move) => (
        <Undo key={`${move.orderId} ${move.pressedAt}`} move={move} />
      ))}
    </div>
  );
}

/** The last of each order, oldest press first. */
export function undoableOf(moves: ReadonlyMap<string, readonly PendingMove[]>): PendingMove[] {
  return [...moves.values()]
    .flatMap((queue) => queue.slice(-1))
    .filter(({ state }) => state === "undoable")
    .sort((a, b) => (a.pressedAt < b.pressedAt ? -1 : 1));
}

function Undo({ move }: { move: PendingMove }) {
  const { t } = useText();
  const { board, moves } = useBoardContext();
  const undo_s = useBoardSettings((state) => state.undo_s);
  const fulfilment = board.store.getState().orders.get(move.orderId)?.fulfilment ?? "delivery";
  const undo = () => {
    moves.undo(move.orderId);
    requestAnimationFrame(() => {
      const card = document.querySelector<HTMLElement>(
        `.order:not([inert])[data-order-id="${move.orderId}"]`,
      );
      if (isFocusLost()) card?.focus();
    });
  };
  return (
    <div className="card undo" data-testid="undo">
      <span>{t("move.done", { number: String(move.number), action: actionOf(t, move, fulfilment) })}</span>
      <button
        type="button"
        className="button button--small"
        aria-keyshortcuts="z"
        data-testid="undo-button"
        onClick={undo}
      >
        {t("move.undo")}
      </button>
      <span className="undo-time" style={{ animationDuration: `${undo_s}s` }} aria-hidden="true" />
    </div>
  );
}
