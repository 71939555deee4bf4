import type { Address } from "@ordercast/client";
import type { CartToQuote } from "../../api/checkout";
import type { NewOrder } from "../../api/orders";
import { useBilling } from "../../stores/billing";
import { useCart } from "../../stores/cart";
import { useCustomer } from "../../stores/customer";
import { paymentInfoOf, usePayment } from "../../stores/payment";
import { useShipping } from "../../stores/shipping";
import { asksForAddress } from "./form-values";

/**
 * The five parts as the five stores hold them now.
 *
 * No price is among them: the server has its own. `total` is what the buyer was shown, for the server to compare.
 */
export function composeOrder(total?: number): NewOrder {
  const { customer } = useCustomer.getState();
  const billingInfo = addressed(useBilling.getState().billing, customer.name);
  const { fulfilment, shipping, place, requestedTime } = useShipping.getState();
  const payment = usePayment.getState();
  const goesTo = hasOneAddress() ? billingInfo : addressed(shipping, customer.name);
  return {
    fulfilment,
    customerInfo: trimmed(customer),
    ...(asksForAddress(fulfilment, payment.method) && { billingInfo }),
    ...(fulfilment === "delivery" && { shippingInfo: { ...goesTo, ...(place && { location: place }) } }),
    ...withNotes(goods(useCart.getState()), useCart.getState().notes),
    paymentInfo: paymentInfoOf(payment),
    ...(requestedTime !== null && { requestedTime }),
    ...(total !== undefined && { total }),
  };
}

/** As much of the order as its price depends on; changes with the stores. */
export function useCartToQuote(): CartToQuote {
  const cart = useCart();
  const { billing } = useBilling();
  const { fulfilment, sameAsBilling, shipping } = useShipping();
  if (fulfilment === "pickup") return { fulfilment, ...goods(cart) };
  const { country, postcode } = trimmed(sameAsBilling ? billing : shipping);
  return { fulfilment, destination: { country, ...(postcode && { postcode }) }, ...goods(cart) };
}

export function hasOneAddress(): boolean {
  const { fulfilment, sameAsBilling } = useShipping.getState();
  return fulfilment === "pickup" || sameAsBilling;
}

function goods({ quantities, promoCode }: { quantities: Record<string, number>; promoCode: string }) {
  const code = promoCode.trim();
  return {
    cartItems: Object.entries(quantities).map(([productId, quantity]) => ({ productId, quantity })),
    ...(code && { promoCode: code }),
  };
}

function withNotes<Goods extends { cartItems: { productId: string; quantity: number }[] }>(
  { cartItems, ...rest }: Goods,
  notes: Record<string, string>,
) {
  const noted = cartItems.map((line) => {
    const note = notes[line.productId]?.trim();
    return note ? { ...line, note } : line;
  });
  return { ...rest, cartItems: noted };
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
