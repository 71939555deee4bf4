import { useQuery } from "@tanstack/react-query";
import { driversQuery } from "../../api/deliveries";
import { useText } from "../../i18n/text";
import { currentToken } from "../session/session";

/** Who brings the order. */
export function DriverLine({ driverId }: { driverId: string }) {
  const { t } = useText();
  const { data } = useQuery({ ...driversQuery(currentToken()), staleTime: 60_000 });
  const name = data?.find(({ id }) => id === driverId)?.name;
  return (
    <p className="order-driver" data-testid="order-driver">
      {t("order.driver", { name: name ?? t("delivery.somebody") })}
    </p>
  );
}
