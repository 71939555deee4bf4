import type { Live, Order } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { deliveryQuery } from "../../api/deliveries";
import { useText } from "../../i18n/text";
import { useNow_ms } from "../../ui/clock";

/** Who brings the order, when it should be there, and the code to tell at the door. */
export function DeliveryNote({ order, token, live }: { order: Order; token: string; live: Live }) {
  const { t, time } = useText();
  const now_ms = useNow_ms();
  const { data } = useDelivery(order, token, live);
  if (!data?.driver || ENDED.includes(order.status)) return null;
  const { driver, eta, position, code } = data;
  const left = eta === null ? undefined : Math.max(1, Math.round((Date.parse(eta) - now_ms) / 60_000));
  return (
    <section className="card" aria-labelledby="delivery-heading" data-testid="delivery">
      <h2 id="delivery-heading">{t("delivery.title")}</h2>
      <p>{t("delivery.driver", { name: driver.name ?? t("delivery.somebody") })}</p>
      {left !== undefined && eta !== null && (
        <p aria-live="polite" data-testid="delivery-eta">
          {t("delivery.eta", { count: left, time: time(eta) })}
        </p>
      )}
      {position !== null && (
        <p className="muted" data-testid="delivery-position">
          {t("delivery.position", {
            lat: position.lat.toFixed(4),
            lng: position.lng.toFixed(4),
            time: time(position.at),
          })}
        </p>
      )}
      {code !== null && code !== undefined && (
        <p>
          {t("delivery.code")} <strong data-testid="delivery-code">{code}</strong>
        </p>
      )}
    </section>
  );
}

const ENDED: readonly Order["status"][] = ["delivered", "returned", "cancelled", "rejected", "expired"];

/** The delivery as it was read, with the place and time that are told meanwhile. */
function useDelivery(order: Order, token: string, live: Live) {
  const queries = useQueryClient();
  const query = deliveryQuery(order.id, token);
  useEffect(() => {
    const { queryKey } = deliveryQuery(order.id, token);
    return live.on("delivery_update", ({ orderId, position, eta }, told) => {
      if (orderId !== order.id) return;
      // A stage brings a driver or takes one; a place for the moment is all that has changed.
      if (told !== undefined) void queries.invalidateQueries({ queryKey });
      else
        queries.setQueryData(
          queryKey,
          (shown) => shown && { ...shown, eta, position: position && { accuracy: null, ...position } },
        );
    });
  }, [live, queries, order.id, token]);
  return useQuery({ ...query, enabled: order.fulfilment === "delivery" });
}
