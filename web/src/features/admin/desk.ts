import { createContext, useContext } from "react";
import type { Session } from "../session/session";
import type { Board } from "./board";
import type { BoardFeed } from "./board-feed";

/** What every card on the board works with. */
export interface Desk {
  session: Session;
  board: Board;
  feed: BoardFeed;
}

export const DeskContext = createContext<Desk | undefined>(undefined);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === undefined) throw new Error("A card stands outside a board");
  return desk;
}
