import { type SyntheticEvent, type RefObject, useEffect, useRef } from "react";
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
import { usePlaceOrder } from "./use-place-order";

export function CheckoutForm() {
  const { t } = useText();
  const form = useRef<HTMLFormElement>(null);
  const { billing, setBilling } = useBilling();
  const { fulfilment, sameAsBilling, shipping, setShipping } = useShipping();
  const { place, placing, error, faultAt } = usePlaceOrder();
  useFocusOnFault(form, faultAt);

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    place();
  };
  return (
    <form
      ref={form}
      className="checkout"
      data-testid="checkout-form"
      aria-label={t("checkout.title")}
      onSubmit={submit}
    >
      <CustomerFields faultAt={faultAt} />
      <FulfilmentFields />
      <AddressFields
        legend={t("checkout.billing")}
        prefix="billingInfo"
        address={billing}
        onChange={setBilling}
        faultAt={faultAt}
      />
      {fulfilment === "delivery" && !sameAsBilling && (
        <AddressFields
          legend={t("checkout.shipping")}
          prefix="shippingInfo"
          address={shipping}
          onChange={setShipping}
          faultAt={faultAt}
        />
      )}
      <PaymentFields />
      {error && !faultAt && <ProblemNote error={error} />}
      <button
        type="submit"
        className="button button--primary button--wide"
        data-testid="place-order"
        disabled={placing}
      >
        {placing ? t("checkout.placing") : t("checkout.place")}
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

/** Puts the focus on the field that the server found fault with. */
function useFocusOnFault(form: RefObject<HTMLFormElement | null>, faultAt: FaultAt): void {
  useEffect(() => {
    const field = faultAt && form.current?.elements.namedItem(faultAt.field);
    if (field instanceof HTMLElement) field.focus();
  }, [form, faultAt]);
}
