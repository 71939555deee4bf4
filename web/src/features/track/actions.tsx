import type { Order } from "@ordercast/client";
import { useState } from "react";
import { useLocation } from "wouter";
import { useText } from "../../i18n/text";
import { useCart } from "../../stores/cart";
import { CallShop } from "../../ui/call-shop";
import { CancelDialog } from "./cancel-dialog";

interface ActionsProps {
  order: Order;
  token: string;
  isBuyers: boolean;
  onChanged: () => void;
}

/** What the buyer may do about it: call it off, have it on paper, order the same again. */
export function Actions({ order, token, isBuyers, onChanged }: ActionsProps) {
  const { t } = useText();
  const [, navigate] = useLocation();
  const [cancelling, setCancelling] = useState(false);
  const again = () => {
    const cart = useCart.getState();
    for (const { productId: id, name, image, quantity, note } of order.cartItems) {
      cart.add({ id, name, nameBn: "", image });
      cart.setQuantity(id, quantity);
      if (note) cart.setNote(id, note);
    }
    navigate("/shop");
  };
  return (
    <div className="track-actions">
      <button type="button" className="button" data-testid="reorder" onClick={again}>
        {t("track.again")}
      </button>
      <button type="button" className="button" onClick={() => print()}>
        {t("track.print")}
      </button>
      {isBuyers && <CallShop />}
      {isBuyers && order.status === "pending" && (
        <button
          type="button"
          className="button button--danger"
          data-testid="cancel-order"
          onClick={() => setCancelling(true)}
        >
          {t("track.cancel")}
        </button>
      )}
      {cancelling && (
        <CancelDialog
          order={order}
          token={token}
          onClose={() => setCancelling(false)}
          onCancelled={() => {
            setCancelling(false);
            onChanged();
          }}
        />
      )}
    </div>
  );
}
