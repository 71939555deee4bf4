import type { Order } from "@ordercast/client";
import { useText } from "../i18n/text";

export type SumsOf = Pick<
  Order,
  "subtotal" | "discount" | "tax" | "shippingFee" | "total" | "currency" | "pricesIncludeTax" | "promoCode"
>;

/** What it costs, by the server's reckoning; `totalId` is the total's hook for tests. */
export function Sums({ of, totalId }: { of: SumsOf; totalId: string }) {
  const { t, money } = useText();
  const discount = of.promoCode === null ? t("sum.discount") : t("sum.promotion", { code: of.promoCode });
  const sums: [string, number][] = [
    [t("sum.subtotal"), of.subtotal],
    [discount, -of.discount],
    [of.pricesIncludeTax ? t("sum.taxIncluded") : t("sum.tax"), of.tax],
    [t("sum.shipping"), of.shippingFee],
  ];
  return (
    <dl className="sums">
      {sums.map(
        ([name, minor]) =>
          minor !== 0 && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{money(minor, of.currency)}</dd>
            </div>
          ),
      )}
      <div className="sums-total">
        <dt>{t("sum.total")}</dt>
        <dd data-testid={totalId}>{money(of.total, of.currency)}</dd>
      </div>
    </dl>
  );
}
