import { useText } from "../../i18n/text";
import { TEST_CARDS, type TestCard, usePayment } from "../../stores/payment";
import { SelectField } from "../../ui/field";

const METHODS = ["cash", "card"] as const;

/** Cash, or a token of the sandbox provider: this page has no field that a card number would fit. */
export function PaymentFields() {
  const { t } = useText();
  const { method, card, setMethod, setCard } = usePayment();
  return (
    <fieldset>
      <legend>{t("checkout.payment")}</legend>
      <div className="choices">
        {METHODS.map((way) => (
          <label key={way} className="choice">
            <input
              type="radio"
              name="paymentInfo.method"
              value={way}
              checked={method === way}
              onChange={() => setMethod(way)}
            />
            {t(`payment.${way}`)}
          </label>
        ))}
      </div>
      {method === "card" && (
        <SelectField
          label={t("payment.testCard")}
          name="paymentInfo.token"
          value={card}
          onChange={({ target }) => setCard(target.value as TestCard)}
        >
          {TEST_CARDS.map((token) => (
            <option key={token} value={token}>
              {t(`payment.${token}`)}
            </option>
          ))}
        </SelectField>
      )}
    </fieldset>
  );
}
