import { useBilling } from "../../src/stores/billing";
import { useCart } from "../../src/stores/cart";
import { useCustomer } from "../../src/stores/customer";
import { usePayment } from "../../src/stores/payment";
import { useShipping } from "../../src/stores/shipping";

/** A tab in which nothing has been typed yet. */
export function emptyCheckout(): void {
  useBilling.setState(useBilling.getInitialState(), true);
  useCart.setState(useCart.getInitialState(), true);
  useCustomer.setState(useCustomer.getInitialState(), true);
  usePayment.setState(usePayment.getInitialState(), true);
  useShipping.setState(useShipping.getInitialState(), true);
}

/** A product as it is put into the cart. */
export const goods = (id: string) => ({ id, name: "Chai", nameBn: "চা", image: "/images/chai.svg" });
