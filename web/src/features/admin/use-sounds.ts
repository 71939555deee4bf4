import { useCallback, useEffect, useRef, useState } from "react";
import { useText } from "../../i18n/text";
import type { Board, BoardState } from "./board";
import type { BoardFeed } from "./board-feed";
import { playSound } from "./sounds";

/** Rings for each new order, and answers the sentence that a screen reader is to say. */
export function useArrivals(feed: BoardFeed): string {
  const text = useText();
  const speak = useRef(text);
  const [announcement, setAnnouncement] = useState("");
  useEffect(() => {
    speak.current = text;
  }, [text]);
  useEffect(
    () =>
      feed.onArrival((order) => {
        const { t, money } = speak.current;
        playSound("order");
        setAnnouncement(
          t("admin.arrived", {
            number: String(order.number),
            name: order.customerInfo.name ?? t("order.unnamed"),
            total: money(order.total, order.currency),
          }),
        );
      }),
    [feed],
  );
  return announcement;
}

/** Often enough not to be missed, and seldom enough to be worked beside. */
const RING_AGAIN_MS = 8_000;

/** Rings again while an order waits to be accepted, or one that was cancelled to be seen, unless it was silenced. */
export function useRinging(board: Board): { ringing: boolean; silence: () => void } {
  const silenced = useRef<ReadonlySet<string>>(new Set());
  const [ringing, setRinging] = useState(false);
  useEffect(() => {
    const look = (state: BoardState) => setRinging(waiting(state).some((id) => !silenced.current.has(id)));
    look(board.store.getState());
    return board.store.subscribe((state, before) => {
      if (state.stages.new !== before.stages.new || state.cancelled !== before.cancelled) look(state);
    });
  }, [board]);
  useEffect(() => {
    if (!ringing) return;
    const ring = () => playSound(board.store.getState().cancelled.size > 0 ? "cancelled" : "order");
    const timer = setInterval(ring, RING_AGAIN_MS);
    return () => clearInterval(timer);
  }, [board, ringing]);
  const silence = useCallback(() => {
    silenced.current = new Set(waiting(board.store.getState()));
    setRinging(false);
  }, [board]);
  return { ringing, silence };
}

/** What somebody has to do something about at once. */
const waiting = ({ stages, cancelled }: BoardState): string[] => [
  ...cancelled.keys(),
  ...stages.new.filter(({ status }) => status === "pending").map(({ id }) => id),
];

/** Tells of orders that were cancelled from outside, and of a connection that is lost and back, by tones of their own. */
export function useAlarms(board: Board, isLost: boolean): void {
  useEffect(
    () =>
      board.store.subscribe(({ cancelled }, before) => {
        if (cancelled.size > before.cancelled.size) playSound("cancelled");
      }),
    [board],
  );
  const wasLost = useRef(isLost);
  useEffect(() => {
    if (isLost !== wasLost.current) playSound(isLost ? "lost" : "back");
    wasLost.current = isLost;
  }, [isLost]);
}
