import type { Live, LiveSnapshot } from "@ordercast/client";
import { useEffect, useMemo } from "react";
import { changeStatus, fetchHistory, fetchOrder, fetchOrders } from "../../api/orders";
import { useLive } from "../../live/use-live";
import { currentToken, type Session } from "../session/session";
import { useLastingSession } from "../session/use-lasting-session";
import { Board, type PendingMove } from "./board";
import { BoardFeed } from "./board-feed";
import { Moves } from "./moves";
import { useBoardSettings } from "./settings";
import { useKeptCancelled } from "./use-kept-cancelled";
import { NoticeTeller } from "./notice-teller";

/** As many as the server gives at once. */
const OPEN = { open: true, sort: "oldest", limit: 100 } as const;
const ENDED = { open: false, sort: "newest", limit: 50 } as const;

/** The board of whoever is signed in, kept live while it is shown. */
export function useBoard({ user: { id: userId } }: Session): {
  board: Board;
  feed: BoardFeed;
  moves: Moves;
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
  const moves = useMemo(() => movesOf(board, userId), [board, userId]);
  useKeptCancelled(board, userId);
  useEffect(() => feed.start(), [feed]);
  useEffect(() => moves.start(live), [moves, live]);
  useEffect(() => notice.start(), [notice]);
  useLastingSession(live, snapshot);
  return { board, feed, moves, notice, live, snapshot };
}

function movesOf(board: Board, userId: string): Moves {
  // What is sent as its person signs out is sent in their name all the same.
  let last = "";
  const tokenNow = () => (last = currentToken() ?? last);
  tokenNow();
  const doors = {
    userId,
    send: ({ orderId, to, reason, minutes, version }: PendingMove, { leaving }: { leaving: boolean }) =>
      changeStatus(
        orderId,
        {
          status: to,
          version,
          ...(reason !== undefined && { reason }),
          ...(minutes !== undefined && { preparationMinutes: minutes }),
        },
        tokenNow(),
        { keepalive: leaving },
      ),
    look: async (id: string) => {
      const [order, history] = await Promise.all([fetchOrder(id, tokenNow()), fetchHistory(id, tokenNow())]);
      return { order, history };
    },
  };
  return new Moves(board, doors, () => useBoardSettings.getState().undo_s * 1_000, sessionStorage);
}
