import type { Live, LiveSnapshot } from "@ordercast/client";
import { useEffect, useMemo } from "react";
import { fetchOrder, fetchOrders } from "../../api/orders";
import { useLive } from "../../live/use-live";
import { currentToken } from "../session/session";
import { useLastingSession } from "../session/use-lasting-session";
import { Board } from "./board";
import { BoardFeed } from "./board-feed";

const PAGE_LIMIT = 100;

/** The board of whoever is signed in, kept live while it is shown. */
export function useBoard(): {
  board: Board;
  feed: BoardFeed;
  live: Live;
  snapshot: LiveSnapshot;
} {
  const { live, snapshot } = useLive(currentToken);
  const board = useMemo(() => new Board(), []);
  const feed = useMemo(
    () =>
      new BoardFeed(board, live, {
        page: (cursor) => fetchOrders(currentToken(), cursor, PAGE_LIMIT),
        order: (id) => fetchOrder(id, currentToken()),
      }),
    [board, live],
  );
  useEffect(() => feed.start(), [feed]);
  useLastingSession(live, snapshot);
  return { board, feed, live, snapshot };
}
