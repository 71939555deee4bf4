import type { Live, LiveSnapshot } from "@ordercast/client";
import { useEffect, useMemo } from "react";
import { fetchOrder, fetchOrders } from "../../api/orders";
import { useLive } from "../../live/use-live";
import { currentToken } from "../session/session";
import { useLastingSession } from "../session/use-lasting-session";
import { Board } from "./board";
import { BoardFeed } from "./board-feed";
import { NoticeTeller } from "./notice-teller";

/** As many as the server gives at once. */
const OPEN = { open: true, sort: "oldest", limit: 100 } as const;
const ENDED = { open: false, sort: "newest", limit: 50 } as const;

/** The board of whoever is signed in, kept live while it is shown. */
export function useBoard(): {
  board: Board;
  feed: BoardFeed;
  notice: NoticeTeller;
  live: Live;
  snapshot: LiveSnapshot;
} {
  const { live, snapshot } = useLive(currentToken);
  const board = useMemo(() => new Board(), []);
  const feed = useMemo(
    () =>
      new BoardFeed(board, live, {
        open: (cursor) => fetchOrders(currentToken(), cursor, OPEN),
        ended: (cursor) => fetchOrders(currentToken(), cursor, ENDED),
        order: (id) => fetchOrder(id, currentToken()),
      }),
    [board, live],
  );
  const notice = useMemo(() => new NoticeTeller(live), [live]);
  useEffect(() => feed.start(), [feed]);
  useEffect(() => notice.start(), [notice]);
  useLastingSession(live, snapshot);
  return { board, feed, notice, live, snapshot };
}
