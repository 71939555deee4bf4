import { type SyntheticEvent, useEffect } from "react";
import { useText } from "../../i18n/text";
import { useBilling } from "../../stores/billing";
import { useCustomer } from "../../stores/customer";
import { useShipping } from "../../stores/shipping";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { AddressFields } from "./address-fields";
import { type FaultAt, faultOf } from "./fault";
import { FulfilmentFields } from "./fulfilment-fields";
import { PaymentFields } from "./payment-fields";
import { PromoField } from "./promo-field";

interface CheckoutFormProps {
  onPlace: () => void;
  placing: boolean;
  /** The total of this cart is not known yet, so that nobody could say yes to it. */
  settling: boolean;
  /** What pressing the button does. */
  placeWords: string;
  /** What is wrong with a field, of the order that was refused or of the cart as it stands. */
  fault: FaultAt;
  /** The former alone: the focus goes there. */
  refused: FaultAt;
  error: Error | null;
}

export function CheckoutForm(props: CheckoutFormProps) {
  const { onPlace, placing, settling, placeWords, fault, refused, error } = props;
  const { t } = useText();
  const { billing, setBilling } = useBilling();
  const { fulfilment, sameAsBilling, shipping, setShipping } = useShipping();
  useFocusOnFault(refused);

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onPlace();
  };
  return (
    <form className="checkout" data-testid="checkout-form" aria-label={t("checkout.title")} onSubmit={submit}>
      <CustomerFields faultAt={fault} />
      <FulfilmentFields />
      <AddressFields
        legend={t("checkout.billing")}
        prefix="billingInfo"
        address={billing}
        onChange={setBilling}
        faultAt={fault}
      />
      {fulfilment === "delivery" && !sameAsBilling && (
        <AddressFields
          legend={t("checkout.shipping")}
          prefix="shippingInfo"
          address={shipping}
          onChange={setShipping}
          faultAt={fault}
        />
      )}
      <PaymentFields />
      <PromoField fault={fault} />
      {error && <ProblemNote error={error} />}
      <button
        type="submit"
        className="button button--primary button--wide"
        data-testid="place-order"
        disabled={placing || settling}
      >
        {placing ? t("checkout.placing") : settling ? t("checkout.settling") : placeWords}
      </button>
    </form>
  );
}

function CustomerFields({ faultAt }: { faultAt: FaultAt }) {
  const { t } = useText();
  const { customer, setCustomer } = useCustomer();
  return (
    <fieldset>
      <legend>{t("checkout.you")}</legend>
      <Field
        label={t("field.name")}
        name="customerInfo.name"
        autoComplete="name"
        required
        maxLength={120}
        value={customer.name}
        error={faultOf(t, faultAt, "customerInfo.name")}
        onChange={({ target }) => setCustomer({ name: target.value })}
      />
      <div className="field-pair">
        <Field
          label={t("field.mobile")}
          name="customerInfo.mobile"
          type="tel"
          autoComplete="tel"
          required
          maxLength={32}
          placeholder="+8801…"
          value={customer.mobile}
          error={faultOf(t, faultAt, "customerInfo.mobile")}
          onChange={({ target }) => setCustomer({ mobile: target.value })}
        />
        <Field
          label={t("field.email")}
          name="customerInfo.email"
          type="email"
          autoComplete="email"
          required
          maxLength={254}
          value={customer.email}
          error={faultOf(t, faultAt, "customerInfo.email")}
          onChange={({ target }) => setCustomer({ email: target.value })}
        />
      </div>
    </fieldset>
  );
}

/** Puts the focus on the field that the server found fault with; those of the cart stand outside the form. */
function useFocusOnFault(refused: FaultAt): void {
  useEffect(() => {
    if (refused !== undefined) document.getElementsByName(refused.field)[0]?.focus();
  }, [refused]);
}
