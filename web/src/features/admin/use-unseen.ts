import type { Live } from "@ordercast/client";
import { useEffect, useState } from "react";
import { useText } from "../../i18n/text";
import type { Board } from "./board";
import { playSound } from "./sounds";

/** Rings louder for an order that nobody has opened, marks its card, and answers the sentence for a screen reader. */
export function useUnseen(live: Live, board: Board): string {
  const { t } = useText();
  const [number, setNumber] = useState<number>();
  useEffect(
    () =>
      live.on("order_unseen", ({ orderId, number }) => {
        if (board.store.getState().orders.get(orderId)?.status !== "pending") return;
        board.markUnseen(orderId);
        playSound("unseen");
        setNumber(number);
      }),
    [live, board],
  );
  return number === undefined ? "" : t("admin.unseen", { number: String(number) });
}
