import { useQuery } from "@tanstack/react-query";
import { configQuery } from "../api/shop";
import { useText } from "../i18n/text";

/** Calls the shop by one press, where it has said its number. */
export function CallShop() {
  const { t } = useText();
  const telephone = useQuery(configQuery).data?.telephone;
  if (telephone == null) return null;
  return (
    <a className="button" href={`tel:${telephone.replace(/[^+\d]/g, "")}`} data-testid="call-shop">
      {t("shop.call")}
    </a>
  );
}
