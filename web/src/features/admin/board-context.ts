import { createContext, useContext } from "react";
import type { StatusFlow } from "../../api/status-flow";
import type { Session } from "../session/session";
import type { Board } from "./board";
import type { BoardFeed } from "./board-feed";
import type { Moves } from "./moves";
import type { NoticeTeller } from "./notice-teller";

/** What every card on the board works with. */
export interface BoardContextValue {
  session: Session;
  board: Board;
  feed: BoardFeed;
  moves: Moves;
  notice: NoticeTeller;
  /** The server's table of moves, once it is here. */
  flow: StatusFlow | undefined;
  /** In how many minutes an order is mostly ready. */
  usualMinutes: number;
}

export const BoardContext = createContext<BoardContextValue | undefined>(undefined);

export function useBoardContext(): BoardContextValue {
  const value = useContext(BoardContext);
  if (value === undefined) throw new Error("A card stands outside a board");
  return value;
}
