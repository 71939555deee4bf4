import type { Order } from "@ordercast/client";
import type { Delivery } from "../../api/deliveries";
import type { HistoryEntry } from "../../api/orders";
import { useText } from "../../i18n/text";
import { mapUri } from "../../ui/map-uri";
import { KeyedText } from "../../ui/keyed-text";
import { isOver } from "./over";
import { Route } from "./route";

interface DeliveryNoteProps {
  order: Order;
  delivery: Delivery | undefined;
  history: readonly HistoryEntry[];
}

/** Who brings the order, where they are, and the code to tell at the door. */
export function DeliveryNote({ order, delivery, history }: DeliveryNoteProps) {
  const { t, time } = useText();
  if (!delivery?.driver || isOver(order)) return null;
  const { driver, position, code } = delivery;
  return (
    <section className="card" aria-labelledby="delivery-heading" data-testid="delivery">
      <h2 id="delivery-heading">{t("delivery.title")}</h2>
      <p>
        <KeyedText>{t("delivery.driver", { name: driver.name ?? t("delivery.somebody") })}</KeyedText>
      </p>
      <Route order={order} delivery={delivery} history={history} />
      {position !== null && (
        <p className="muted" data-testid="delivery-position">
          <KeyedText>{t("delivery.position", { time: time(position.at) })}</KeyedText>{" "}
          <a href={mapUri(position)} rel="noreferrer">
            {t("delivery.map")}
          </a>
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
