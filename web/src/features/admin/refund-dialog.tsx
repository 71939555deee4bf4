import type { Order } from "@ordercast/client";
import { RefundDialog as Dialog } from "../../order/refund-dialog";
import { useBoardContext } from "./board-context";

/** The dialog of a refund, whose outcome the board shows. */
export function RefundDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const { board, feed } = useBoardContext();
  const changed = (now: Order) => {
    board.setOutcome(order.id, undefined);
    board.merge([now]);
  };
  return (
    <Dialog order={order} onClose={onClose} onChanged={changed} refresh={() => feed.refresh(order.id)} />
  );
}
