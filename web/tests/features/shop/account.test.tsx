import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it } from "vitest";
import ShopPage from "../../../src/features/shop";
import { useSessionStore } from "../../../src/features/session/session";
import { useBilling } from "../../../src/stores/billing";
import { useCart } from "../../../src/stores/cart";
import { useCustomer } from "../../../src/stores/customer";
import { emptyCheckout, goods } from "../../support/checkout";
import { NodeServer } from "../../support/node-server";
import { anOrder } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
const LOGIN = {
  token: "jwt",
  expiresIn: 3600,
  user: { id: "cus_1", email: "asha@example.com", name: "Asha Rahman", role: "customer" },
};
const CHAI = {
  id: "prd_chai",
  slug: "chai",
  name: "chai",
  nameBn: "chai",
  description: "",
  descriptionBn: "",
  price: 40_00,
  currency: "BDT",
  stock: 9,
  image: "/images/chai.svg",
  taxClass: "reduced",
};
const SUMS = { subtotal: 40_00, discount: 0, tax: 2_00, shippingFee: 60_00, total: 102_00 };
const VISA = { id: "pm_1", brand: "visa", last4: "4242", createdAt: "2026-01-05T10:00:00Z" };

beforeEach(async () => {
  emptyCheckout();
  useSessionStore.getState().forget();
  history.replaceState(null, "", "/shop");
  server = await new NodeServer().start();
  server
    .on("GET /api/products", () => ({ body: { items: [CHAI], nextCursor: null } }))
    .on("POST /api/checkout/quote", () => ({
      body: { cartItems: [], ...SUMS, currency: "BDT", pricesIncludeTax: false, promoCode: null },
    }))
    .on("POST /api/auth/login", () => ({ body: LOGIN }))
    .on("POST /api/orders", () => ({ status: 201, body: anOrder() }))
    .on("GET /api/payment-methods", () => ({ body: { items: [VISA], nextCursor: null } }));
  useCart.getState().add(goods("prd_chai"));
  useCustomer.getState().setCustomer({ mobile: "+8801700000000" });
  useBilling.getState().setBilling({ line1: "12 Lake Road", city: "Dhaka" });
});

afterEach(async () => {
  useSessionStore.getState().forget();
  await server.stop();
});

const field = (name: string) => document.getElementsByName(name)[0] as HTMLInputElement;
const order = () => server.askedFor("POST /api/orders")[0];

async function place(): Promise<void> {
  const button = await screen.findByTestId<HTMLButtonElement>("place-order");
  await waitFor(() => expect(button.disabled).toBe(false));
  await user.click(button);
  await waitFor(() => expect(order()).toBeDefined());
}

async function signIn(): Promise<void> {
  await user.click(screen.getByTestId("account-open"));
  await user.type(screen.getByTestId("login-email"), "asha@example.com");
  await user.type(screen.getByTestId("login-password"), "a good password{Enter}");
  await screen.findByText("Hello, Asha Rahman");
}

it("lets a guest pay, and offers them no cards of anybody's", async () => {
  show(<ShopPage />, server);
  await user.click(await screen.findByRole("radio", { name: "Card" }));
  expect(screen.queryByRole("radio", { name: "Saved card" })).toBeNull();
  expect(field("paymentInfo.save")).toBeUndefined();
  expect(server.askedFor("GET /api/payment-methods")).toEqual([]);
});

it("fills in a customer's own name and address, and pays by a card that they saved", async () => {
  show(<ShopPage />, server);
  await signIn();
  expect(screen.queryByRole("dialog")).toBeNull();
  expect([field("customerInfo.name").value, field("customerInfo.email").value]).toEqual([
    "Asha Rahman",
    "asha@example.com",
  ]);
  await user.click(await screen.findByRole("radio", { name: "Saved card" }));
  expect(screen.getByRole("option", { name: "Visa •••• 4242" })).toBeTruthy();
  await expectAccessible();
  await place();
  expect(order()?.headers.authorization).toBe("Bearer jwt");
  expect(order()?.body).toMatchObject({ paymentInfo: { method: "saved_card", savedMethodId: "pm_1" } });
});

it("saves a card when that is ticked", async () => {
  show(<ShopPage />, server);
  await signIn();
  await user.click(screen.getByRole("radio", { name: "Card" }));
  await user.click(screen.getByRole("checkbox", { name: "Save this card for next time" }));
  await place();
  expect(order()?.body).toMatchObject({ paymentInfo: { method: "card", token: "tok_visa", save: true } });
});

it("keeps a card no longer", async () => {
  server.on("DELETE /api/payment-methods/pm_1", () => ({ body: {} }));
  show(<ShopPage />, server);
  await signIn();
  await user.click(await screen.findByRole("radio", { name: "Saved card" }));
  await user.click(screen.getByRole("button", { name: "Remove this card" }));
  await waitFor(() => expect(screen.queryByRole("radio", { name: "Saved card" })).toBeNull());
  expect(screen.getByRole<HTMLInputElement>("radio", { name: "Cash" }).checked).toBe(true);
});

it("opens an account and is signed in with it, or says what is wrong at the field", async () => {
  const detail = "There is an account with this address already.";
  server.on("POST /api/auth/register", () => ({
    status: 409,
    body: { type: "/problems/address-taken", title: "Taken", detail, status: 409, field: "email" },
  }));
  show(<ShopPage />, server);
  await user.click(screen.getByTestId("account-open"));
  await user.click(screen.getByTestId("account-switch"));
  await user.type(screen.getByTestId("register-name"), "Asha Rahman");
  await user.type(screen.getByTestId("register-email"), "asha@example.com");
  await user.type(screen.getByTestId("register-password"), "a good password");
  await expectAccessible();
  await user.click(screen.getByTestId("register-submit"));
  expect((await screen.findByText(detail)).id).toBe(
    screen.getByTestId("register-email").getAttribute("aria-describedby"),
  );
  server.on("POST /api/auth/register", () => ({ status: 201, body: LOGIN.user }));
  await user.click(screen.getByTestId("register-submit"));
  await screen.findByText("Hello, Asha Rahman");
});

it("reminds whoever has not confirmed their address of the link, and has it mailed again", async () => {
  server.on("GET /api/me", () => ({ body: { id: "cus_1", role: "customer", emailVerified: false } }));
  server.on("POST /api/auth/resend-verification", () => ({ status: 202, body: { accepted: true } }));
  show(<ShopPage />, server);
  await signIn();
  await screen.findByText("Open the link that we mailed to asha@example.com.");
  await expectAccessible();
  await user.click(screen.getByTestId("resend-verification"));
  await screen.findByText("It is on its way again.");
  expect(server.askedFor("POST /api/auth/resend-verification")[0]?.body).toEqual({
    email: "asha@example.com",
  });
});

it("signs out, on the server too, and leaves no card behind", async () => {
  server.on("POST /api/auth/logout", () => ({ body: {} }));
  show(<ShopPage />, server);
  await signIn();
  await user.click(await screen.findByRole("radio", { name: "Saved card" }));
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  expect(await screen.findByTestId("account-open")).toBeTruthy();
  expect(screen.queryByRole("radio", { name: "Saved card" })).toBeNull();
  await waitFor(() =>
    expect(server.askedFor("POST /api/auth/logout")[0]?.headers.authorization).toBe("Bearer jwt"),
  );
});
