import type { Address } from "@ordercast/client";
import type { NewOrder } from "../../api/orders";
import { useBilling } from "../../stores/billing";
import { useCart } from "../../stores/cart";
import { useCustomer } from "../../stores/customer";
import { paymentInfoOf, usePayment } from "../../stores/payment";
import { useShipping } from "../../stores/shipping";

/** The five parts as the five stores hold them now. No price is among them: the server has its own. */
export function composeOrder(): NewOrder {
  const { customer } = useCustomer.getState();
  const billingInfo = addressed(useBilling.getState().billing, customer.name);
  const { fulfilment, shipping } = useShipping.getState();
  return {
    fulfilment,
    customerInfo: trimmed(customer),
    billingInfo,
    shippingInfo: hasOneAddress() ? billingInfo : addressed(shipping, customer.name),
    cartItems: Object.entries(useCart.getState().quantities).map(([productId, quantity]) => ({
      productId,
      quantity,
    })),
    paymentInfo: paymentInfoOf(usePayment.getState()),
  };
}

export function hasOneAddress(): boolean {
  const { fulfilment, sameAsBilling } = useShipping.getState();
  return fulfilment === "pickup" || sameAsBilling;
}

/** Most people are their own addressee and need not type their name again. */
function addressed(address: Address, customerName: string): Address {
  const { name, postcode, ...rest } = trimmed(address);
  return { ...rest, name: name || customerName.trim(), ...(postcode && { postcode }) };
}

function trimmed<T extends object>(values: T): T {
  const entries = Object.entries(values).map(([key, value]: [string, string]) => [key, value.trim()]);
  return Object.fromEntries(entries) as T;
}
