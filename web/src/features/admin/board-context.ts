import { createContext, useContext } from "react";
import type { Session } from "../session/session";
import type { Board } from "./board";
import type { BoardFeed } from "./board-feed";
import type { NoticeTeller } from "./notice-teller";

/** What every card on the board works with. */
export interface BoardContextValue {
  session: Session;
  board: Board;
  feed: BoardFeed;
  notice: NoticeTeller;
}

export const BoardContext = createContext<BoardContextValue | undefined>(undefined);

export function useBoardContext(): BoardContextValue {
  const value = useContext(BoardContext);
  if (value === undefined) throw new Error("A card stands outside a board");
  return value;
}
