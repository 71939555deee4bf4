import { beforeEach, describe, expect, it, vi } from "vitest";
import { forgetKey, keyFor } from "../../src/features/shop/idempotency";
import { composeOrder } from "../../src/features/shop/new-order";
import { useBilling } from "../../src/stores/billing";
import { countOf, QUANTITY_MAX, useCart } from "../../src/stores/cart";
import { useCustomer } from "../../src/stores/customer";
import { usePayment } from "../../src/stores/payment";
import { useShipping } from "../../src/stores/shipping";
import { emptyCheckout, goods } from "../support/checkout";

beforeEach(() => {
  emptyCheckout();
  useCustomer
    .getState()
    .setCustomer({ name: " Asha Rahman ", email: "asha@example.com", mobile: "+8801700000000" });
  useBilling.getState().setBilling({ line1: "12 Lake Road", city: "Dhaka", postcode: "1207" });
  useCart.getState().add(goods("prd_1"));
});

const address = {
  name: "Asha Rahman",
  line1: "12 Lake Road",
  city: "Dhaka",
  postcode: "1207",
  country: "BD",
};

describe("the cart", () => {
  it("adds, changes and removes, within the server's bounds", () => {
    const { add, setQuantity } = useCart.getState();
    add(goods("prd_1"));
    setQuantity("prd_2", 5_000);
    setQuantity("prd_3", 2.9);
    expect(useCart.getState().quantities).toEqual({ prd_1: 2, prd_2: QUANTITY_MAX, prd_3: 2 });
    setQuantity("prd_2", 0);
    setQuantity("prd_3", -1);
    expect(useCart.getState().quantities).toEqual({ prd_1: 2 });
    expect(countOf(useCart.getState().quantities)).toBe(2);
  });

  it("lives as long as the tab, and so do the other parts but the payment", () => {
    usePayment.getState().choose({ method: "card" });
    expect(sessionStorage.getItem("ordercast.cart")).toContain("prd_1");
    expect(sessionStorage.getItem("ordercast.customer")).toContain("asha@example.com");
    expect(sessionStorage.getItem("ordercast.billing")).toContain("12 Lake Road");
    expect(JSON.stringify([sessionStorage, localStorage])).not.toContain("card");
  });
});

describe("the order composed from the five stores", () => {
  it("is the smallest one of the contract", () => {
    expect(composeOrder()).toEqual({
      fulfilment: "delivery",
      customerInfo: { name: "Asha Rahman", email: "asha@example.com", mobile: "+8801700000000" },
      billingInfo: address,
      shippingInfo: address,
      cartItems: [{ productId: "prd_1", quantity: 1 }],
      paymentInfo: { method: "cash" },
    });
  });

  it("goes to another address when that is wanted, and a pickup does not", () => {
    const { setSameAsBilling, setShipping, setFulfilment } = useShipping.getState();
    setSameAsBilling(false);
    setShipping({ name: "Rafi", line1: "1 Hill Road", city: "Sylhet" });
    expect(composeOrder().shippingInfo).toEqual({
      name: "Rafi",
      line1: "1 Hill Road",
      city: "Sylhet",
      country: "BD",
    });
    setFulfilment("pickup");
    expect(composeOrder().shippingInfo).toBeUndefined();
    expect(composeOrder().billingInfo).toBeUndefined();
    usePayment.getState().choose({ method: "card" });
    expect(composeOrder().billingInfo).toEqual(address);
  });

  it("names the code that was typed, and the total that was shown", () => {
    useCart.getState().setPromoCode(" EID-10 ");
    expect(composeOrder(389_24)).toMatchObject({ promoCode: "EID-10", total: 389_24 });
    useCart.getState().clear();
    expect(composeOrder()).not.toHaveProperty("promoCode");
  });

  it("is paid by a token, or by a card that was kept", () => {
    const returnUrl = `${location.origin}/track/{orderId}`;
    usePayment.getState().choose({ method: "card", card: "tok_declined" });
    expect(composeOrder().paymentInfo).toEqual({ method: "card", token: "tok_declined", returnUrl });
    usePayment.getState().choose({ save: true });
    expect(composeOrder().paymentInfo).toEqual({
      method: "card",
      token: "tok_declined",
      returnUrl,
      save: true,
    });
    usePayment.getState().choose({ method: "saved_card", savedCard: "pm_1" });
    expect(composeOrder().paymentInfo).toEqual({ method: "saved_card", savedMethodId: "pm_1", returnUrl });
  });
});

describe("the idempotency key", () => {
  it("stays the same for the same order, over a reload too, until it has succeeded", () => {
    const key = keyFor(composeOrder());
    expect(key.length).toBeGreaterThanOrEqual(32);
    expect(keyFor(composeOrder())).toBe(key);
    forgetKey();
    expect(keyFor(composeOrder())).not.toBe(key);
  });

  it("is another one for another order", () => {
    const key = keyFor(composeOrder());
    useCart.getState().add(goods("prd_1"));
    expect(keyFor(composeOrder())).not.toBe(key);
  });

  it("is made without randomUUID too, which plain http lacks", () => {
    vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes.fill(0xa7) });
    expect(keyFor(composeOrder())).toBe("a7".repeat(16));
    vi.unstubAllGlobals();
  });

  it("stores nothing of the order itself", () => {
    usePayment.getState().choose({ method: "card" });
    keyFor(composeOrder());
    expect(sessionStorage.getItem("ordercast.attempt")).not.toMatch(/Asha|Lake|tok_/);
  });
});
