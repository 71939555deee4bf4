import { useText } from "../../i18n/text";
import { useShipping } from "../../stores/shipping";

const WAYS = ["delivery", "pickup"] as const;

export function FulfilmentFields() {
  const { t } = useText();
  const { fulfilment, setFulfilment, sameAsBilling, setSameAsBilling } = useShipping();
  return (
    <fieldset>
      <legend>{t("checkout.fulfilment")}</legend>
      <div className="choices">
        {WAYS.map((way) => (
          <label key={way} className="choice">
            <input
              type="radio"
              name="fulfilment"
              value={way}
              checked={fulfilment === way}
              onChange={() => setFulfilment(way)}
            />
            {t(`fulfilment.${way}`)}
          </label>
        ))}
      </div>
      {fulfilment === "delivery" && (
        <label className="tick">
          <input
            type="checkbox"
            name="sameAsBilling"
            checked={sameAsBilling}
            onChange={({ target }) => setSameAsBilling(target.checked)}
          />
          {t("checkout.same")}
        </label>
      )}
    </fieldset>
  );
}
