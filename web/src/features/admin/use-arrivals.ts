import { useEffect, useRef, useState } from "react";
import { useText } from "../../i18n/text";
import type { BoardFeed } from "./board-feed";
import { playNewOrderSound } from "./new-order-sound";

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
        playNewOrderSound(Date.now());
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
