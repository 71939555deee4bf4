import { lazy, Suspense, type SyntheticEvent } from "react";
import { useText } from "../../i18n/text";
import { useBilling } from "../../stores/billing";
import { useCustomer } from "../../stores/customer";
import { usePayment } from "../../stores/payment";
import { useShipping } from "../../stores/shipping";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { AddressFields } from "./address-fields";
import type { Faults } from "./fault";
import { asksForAddress } from "./form-values";
import { FulfilmentFields } from "./fulfilment-fields";
import { PaymentFields } from "../../payment/payment-fields";
import { PromoField } from "./promo-field";

// Whoever only looks at the shelves says neither when nor where.
const DoorPlace = lazy(() => import("./door-place"));
const OrderTime = lazy(() => import("./order-time"));

interface CheckoutFormProps {
  onPlace: () => void;
  placing: boolean;
  /** The total of this cart is not known yet, so that nobody could say yes to it. */
  settling: boolean;
  /** Why it cannot be ordered as it is. */
  blocked: string | undefined;
  /** What pressing the button does. */
  placeWords: string;
  faults: Faults;
  error: Error | null;
}

export function CheckoutForm(props: CheckoutFormProps) {
  const { onPlace, placing, settling, blocked, placeWords, faults, error } = props;
  const { t } = useText();
  const { billing, setBilling } = useBilling();
  const { fulfilment, sameAsBilling, shipping, setShipping } = useShipping();
  const { method } = usePayment();

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onPlace();
  };
  return (
    // What is missing is said at each field, in the page's language; a browser would say one thing in its own.
    <form
      className="checkout"
      data-testid="checkout-form"
      aria-label={t("checkout.title")}
      noValidate
      onSubmit={submit}
    >
      <CustomerFields faults={faults} />
      <FulfilmentFields />
      <Suspense>
        <OrderTime faults={faults} />
      </Suspense>
      <PaymentFields />
      {asksForAddress(fulfilment, method) && (
        <AddressFields
          legend={t("checkout.billing")}
          prefix="billingInfo"
          address={billing}
          onChange={setBilling}
          faults={faults}
        />
      )}
      {fulfilment === "delivery" && !sameAsBilling && (
        <AddressFields
          legend={t("checkout.shipping")}
          prefix="shippingInfo"
          address={shipping}
          onChange={setShipping}
          faults={faults}
        />
      )}
      {fulfilment === "delivery" && (
        <Suspense>
          <DoorPlace />
        </Suspense>
      )}
      <PromoField faults={faults} />
      {/* What is wrong is said where it is in sight, on a phone too. */}
      <div className="place-bar">
        {error && <ProblemNote error={error} />}
        {blocked !== undefined && (
          <p className="note note--bad" role="alert">
            {blocked}
          </p>
        )}
        <Button
          type="submit"
          className="button button--primary button--wide"
          data-testid="place-order"
          busy={placing}
          disabled={settling || blocked !== undefined}
        >
          {placing ? t("checkout.placing") : settling ? t("checkout.settling") : placeWords}
        </Button>
      </div>
    </form>
  );
}

function CustomerFields({ faults }: { faults: Faults }) {
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
        error={faults["customerInfo.name"]}
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
          error={faults["customerInfo.mobile"]}
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
          error={faults["customerInfo.email"]}
          onChange={({ target }) => setCustomer({ email: target.value })}
        />
      </div>
    </fieldset>
  );
}
