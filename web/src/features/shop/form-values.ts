import type { Address } from "@ordercast/client";
import type { Text } from "../../i18n/text";
import { useBilling } from "../../stores/billing";
import { useCart } from "../../stores/cart";
import { useCustomer } from "../../stores/customer";
import { usePayment } from "../../stores/payment";
import { useShipping } from "../../stores/shipping";
import type { Faults } from "./fault";

/** What stands in the fields that are asked for, by their names. */
export type FormValues = Readonly<Record<string, string>>;

// As the server has them (`commerce/orders.py`), so that a slip is told before anything is sent.
const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
const MOBILE = /^\+?[\d() .-]{5,}$/;

/** Whoever collects an order and pays in cash is there in person. */
export function asksForAddress(fulfilment: string, method: string): boolean {
  return fulfilment === "delivery" || method !== "cash";
}

export function useFormValues(): FormValues {
  const { customer } = useCustomer();
  const { billing } = useBilling();
  const { fulfilment, sameAsBilling, shipping, requestedTime } = useShipping();
  const { promoCode, quantities, notes } = useCart();
  const { method } = usePayment();
  const lines = Object.entries(quantities).flatMap(([id, count], index) => [
    [`cartItems.${index}.quantity`, `${id} ${count}`],
    [`cartItems.${index}.note`, notes[id] ?? ""],
  ]);
  return {
    "customerInfo.name": customer.name,
    "customerInfo.email": customer.email,
    "customerInfo.mobile": customer.mobile,
    ...(asksForAddress(fulfilment, method) && addressed("billingInfo", billing)),
    ...(fulfilment === "delivery" && !sameAsBilling && addressed("shippingInfo", shipping)),
    promoCode,
    requestedTime: requestedTime ?? "",
    ...(Object.fromEntries(lines) as FormValues),
  };
}

function addressed(part: string, address: Address): FormValues {
  const { name, line1, city, postcode, country } = address;
  const fields = { name, line1, city, postcode: postcode ?? "", country };
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [`${part}.${field}`, value]));
}

const IS_NEEDED = /^customerInfo\.|\.(line1|city)$/;

/** All that can be seen to be wrong without asking the server. */
export function checked({ t }: Pick<Text, "t">, values: FormValues): Faults {
  const faults = Object.entries(values).flatMap(([field, value]) => {
    const text = value.trim();
    if (text === "") return IS_NEEDED.test(field) ? [[field, t("fault.needed")]] : [];
    if (field === "customerInfo.email" && !EMAIL.test(text)) return [[field, t("fault.email")]];
    if (field === "customerInfo.mobile" && !MOBILE.test(text)) return [[field, t("fault.mobile")]];
    return [];
  });
  return Object.fromEntries(faults) as Faults;
}

/** Those of `faults` whose fields are as they were when they were found: what is mended is not blamed any more. */
export function standing(faults: Faults, then: FormValues, now: FormValues): Faults {
  return Object.fromEntries(Object.entries(faults).filter(([field]) => then[field] === now[field]));
}
