import { useText } from "../../i18n/text";
import { useCart } from "../../stores/cart";
import { Field } from "../../ui/field";
import type { Faults } from "./fault";

/** The server's bound. */
const CODE_MAX = 40;

export function PromoField({ faults }: { faults: Faults }) {
  const { t } = useText();
  const { promoCode, setPromoCode } = useCart();
  return (
    <Field
      label={t("checkout.promoCode")}
      name="promoCode"
      autoComplete="off"
      autoCapitalize="characters"
      spellCheck={false}
      maxLength={CODE_MAX}
      value={promoCode}
      hint={t("checkout.promoHint")}
      error={promoCode.trim() === "" ? undefined : faults["promoCode"]}
      onChange={({ target }) => setPromoCode(target.value)}
    />
  );
}
