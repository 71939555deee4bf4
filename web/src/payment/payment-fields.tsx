import { useQuery } from "@tanstack/react-query";
import { type SavedCard, savedCardsQuery } from "../api/payments";
import { configQuery } from "../api/shop";
import { useText } from "../i18n/text";
import { type Method, REDIRECT, TEST_CARDS, type TestCard, usePayment } from "../stores/payment";
import { SelectField } from "../ui/field";
import { useCustomerSession } from "../features/session/customer";
import { SavedCards } from "./saved-cards";

const NO_CARDS: SavedCard[] = [];

/** Cash, a card kept before, or a token of the sandbox provider: there is no field that a card number would fit. */
export function PaymentFields() {
  const { t } = useText();
  const customer = useCustomerSession();
  const { method, choose } = usePayment();
  const config = useQuery(configQuery);
  const saved = useQuery(savedCardsQuery(customer)).data ?? NO_CARDS;
  // Another provider's tokens are made by its own form, which this page does not have.
  const takesCards = config.data?.paymentMethods.includes("card") ?? false;
  const inSandbox = config.data?.paymentProvider === "sandbox";
  const offered: Method[] = ["cash"];
  // One of the shop's own sends its customers to pages of its own.
  const redirects = config.data?.paymentProvider === "http";
  if (inSandbox || redirects || method === "card") offered.push("card");
  if ((takesCards && saved.length > 0) || method === "saved_card") offered.push("saved_card");
  return (
    <fieldset>
      <legend>{t("checkout.payment")}</legend>
      <div className="choices">
        {offered.map((way) => (
          <label key={way} className="choice">
            <input
              type="radio"
              name="paymentInfo.method"
              value={way}
              checked={method === way}
              onChange={() =>
                choose({ method: way, savedCard: saved[0]?.id ?? "", ...(redirects && { card: REDIRECT }) })
              }
            />
            {(way === "card" && redirects && config.data?.paymentProviderName) || t(`payment.${way}`)}
          </label>
        ))}
      </div>
      {inSandbox && <p className="payment-notice">{t("payment.noMoney")}</p>}
      {method === "card" && !redirects && <TestCards mayBeSaved={customer !== undefined} />}
      {method === "saved_card" && <SavedCards cards={saved} holder={customer} />}
    </fieldset>
  );
}

function TestCards({ mayBeSaved }: { mayBeSaved: boolean }) {
  const { t } = useText();
  const { card, save, choose } = usePayment();
  return (
    <>
      <SelectField
        label={t("payment.testCard")}
        name="paymentInfo.token"
        value={card}
        hint={t("payment.testHint")}
        onChange={({ target }) => choose({ card: target.value as TestCard })}
      >
        {TEST_CARDS.map((each) => (
          <option key={each} value={each}>
            {t(`payment.${each}`)}
          </option>
        ))}
      </SelectField>
      {mayBeSaved && (
        <label className="tick">
          <input
            type="checkbox"
            name="paymentInfo.save"
            checked={save}
            onChange={({ target }) => choose({ save: target.checked })}
          />
          {t("payment.save")}
        </label>
      )}
    </>
  );
}
