import type { LiveSnapshot } from "@ordercast/client";
import { useEffect, useMemo } from "react";
import { fetchOrder, fetchOrders } from "../../api/orders";
import { useLive } from "../../live/use-live";
import { useEndOfSession } from "../session/use-end-of-session";
import { Board } from "./board";
import { BoardFeed } from "./board-feed";

const PAGE_LIMIT = 100;

/** The board for that token, kept live while it is shown. */
export function useBoard(token: string): { board: Board; feed: BoardFeed; snapshot: LiveSnapshot } {
  const { live, snapshot } = useLive(token);
  const board = useMemo(() => new Board(), []);
  const feed = useMemo(
    () =>
      new BoardFeed(board, live, {
        page: (cursor) => fetchOrders(token, cursor, PAGE_LIMIT),
        order: (id) => fetchOrder(id, token),
      }),
    [board, live, token],
  );
  useEffect(() => feed.start(), [feed]);
  useEndOfSession(snapshot);
  return { board, feed, snapshot };
}
