import type { Live } from "@ordercast/client";
import { useEffect, useState } from "react";
import { useText } from "../../i18n/text";
import type { Board } from "./board";
import { playNewOrderSound } from "./new-order-sound";

/** Rings louder for an order that nobody has opened, marks its card, and answers the sentence for a screen reader. */
export function useUnseen(live: Live, board: Board): string {
  const { t } = useText();
  const [number, setNumber] = useState<number>();
  useEffect(
    () =>
      live.on("order_unseen", ({ orderId, number }) => {
        if (board.store.getState().orders.get(orderId)?.status !== "pending") return;
        board.markUnseen(orderId);
        playNewOrderSound(Date.now(), { urgent: true });
        setNumber(number);
      }),
    [live, board],
  );
  return number === undefined ? "" : t("admin.unseen", { number: String(number) });
}
