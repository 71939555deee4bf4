import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import ShopPage from "../../../src/features/shop";
import CheckoutPage from "../../../src/features/shop/checkout-page";
import type { CartToQuote } from "../../../src/api/checkout";
import { useCart } from "../../../src/stores/cart";
import { emptyCheckout } from "../../support/checkout";
import { NodeServer } from "../../support/node-server";
import { anOrder } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();

const product = (slug: string, price: number, stock: number) => ({
  id: `prd_${slug}`,
  slug,
  name: slug,
  nameBn: slug,
  description: "",
  descriptionBn: "",
  price,
  currency: "BDT",
  stock,
  image: `/images/${slug}.svg`,
  taxClass: "reduced",
});

beforeEach(async () => {
  emptyCheckout();
  history.replaceState(null, "", "/shop");
  server = await new NodeServer().start();
  server.on("GET /api/products", ({ path }) => ({
    body: path.includes("cursor=next")
      ? { items: [product("jilapi", 30_00, 0)], nextCursor: null }
      : { items: [product("chai", 40_00, 2), product("samosa", 25_50, 500)], nextCursor: "next" },
  }));
  server.on("POST /api/checkout/quote", ({ body }) => quoted(body as CartToQuote));
});

const PRICES: Record<string, number> = { prd_chai: 40_00, prd_samosa: 25_50 };

/** As a shop would answer that adds 5 % and 60.00 for delivery, and knows one code, for half. */
function quoted({ cartItems, fulfilment, promoCode = null }: CartToQuote) {
  if (promoCode !== null && promoCode.toUpperCase() !== "HALF") {
    const detail = "There is no such promotion.";
    return { status: 422, body: { ...REFUSED_CODE, title: "No", detail, status: 422 } };
  }
  const subtotal = cartItems.reduce((sum, each) => sum + (PRICES[each.productId] ?? 0) * each.quantity, 0);
  const discount = promoCode === null ? 0 : subtotal / 2;
  const tax = (subtotal - discount) * 0.05;
  const shippingFee = fulfilment === "pickup" ? 0 : 60_00;
  const total = subtotal - discount + tax + shippingFee;
  const sums = { subtotal, discount, tax, shippingFee, total, currency: "BDT", pricesIncludeTax: false };
  return { body: { cartItems: [], ...sums, promoCode: promoCode === null ? null : "HALF" } };
}

const REFUSED_CODE = { type: "/problems/promotion-refused", field: "promoCode" };

afterEach(() => server.stop());

const cardOf = async (name: string): Promise<HTMLElement> => {
  await screen.findByText(name, { selector: "h2" });
  return screen.getAllByTestId("product-card").find((card) => within(card).queryByText(name)) as HTMLElement;
};
const add = async (name: string) => user.click(within(await cardOf(name)).getByTestId("add-to-cart"));
const field = (name: string) =>
  screen.getByTestId<HTMLFormElement>("checkout-form").elements.namedItem(name) as HTMLInputElement;

async function fillIn(): Promise<void> {
  await add("chai");
  const values = {
    "customerInfo.name": "Asha Rahman",
    "customerInfo.email": "asha@example.com",
    "customerInfo.mobile": "+8801700000000",
    "billingInfo.line1": "12 Lake Road",
    "billingInfo.city": "Dhaka",
    "billingInfo.postcode": "1207",
  };
  for (const [name, value] of Object.entries(values)) {
    await user.click(field(name));
    await user.paste(value);
  }
}
/** Presses the button, once the total that it names is that of this cart. */
async function place(): Promise<void> {
  const button = screen.getByTestId<HTMLButtonElement>("place-order");
  await waitFor(() => expect(button.disabled).toBe(false));
  await user.click(button);
}
const total = () => screen.getByTestId("quote-total").textContent;
const comesTo = (sum: string) => waitFor(() => expect(total()).toBe(`BDT\u00a0${sum}`));

describe("the shelves", () => {
  it("show every page of the catalogue, with prices and what is left", async () => {
    show(<ShopPage />, server);
    expect((await cardOf("chai")).textContent).toContain("BDT\u00a040");
    expect((await cardOf("chai")).textContent).toContain("Only 2 left");
    expect((await cardOf("samosa")).textContent).toContain("In stock");
    const soldOut = await cardOf("jilapi");
    expect(soldOut.textContent).toContain("Sold out");
    expect(within(soldOut).getByTestId<HTMLButtonElement>("add-to-cart").disabled).toBe(true);
    await expectAccessible();
  });

  it("offer nothing of what is sold out today", async () => {
    const soldOutUntil = new Date(Date.now() + 3_600_000).toISOString();
    server.on("GET /api/products", () => ({
      body: { items: [{ ...product("chai", 40_00, 2), soldOutUntil }], nextCursor: null },
    }));
    show(<ShopPage />, server);
    const chai = await cardOf("chai");
    expect(chai.textContent).toContain("Sold out");
    expect(within(chai).getByTestId<HTMLButtonElement>("add-to-cart").disabled).toBe(true);
  });

  it("fill the cart, no further than the stock", async () => {
    show(<ShopPage />, server);
    await add("chai");
    await add("chai");
    await add("chai");
    await add("samosa");
    expect(screen.getByTestId("cart-count").textContent).toBe("3");
    await user.click(screen.getByRole("button", { name: "Remove chai" }));
    expect(screen.getByTestId("cart-count").textContent).toBe("1");
  });

  it("can be asked for again when they could not be read", async () => {
    server.on("GET /api/products", () => ({
      status: 503,
      body: { title: "Busy", detail: "Try later.", status: 503 },
    }));
    show(<ShopPage />, server);
    expect((await screen.findByRole("alert")).textContent).toContain("Try later.");
    server.on("GET /api/products", () => ({
      body: { items: [product("chai", 40_00, 2)], nextCursor: null },
    }));
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await cardOf("chai");
  });
});

describe("the total", () => {
  const quotes = () => server.askedFor("POST /api/checkout/quote");

  it("is the server's, and follows the cart, the way it is brought, and the code", async () => {
    show(<ShopPage />, server);
    await add("chai");
    await comesTo("102");
    await add("samosa");
    await comesTo("128.78");
    await user.click(screen.getByRole("radio", { name: "Pickup" }));
    await comesTo("68.78");
    await user.type(field("promoCode"), "half");
    await comesTo("34.39");
    expect(screen.getByText("Promotion HALF").nextSibling?.textContent).toBe("-BDT\u00a032.75");
    expect(screen.getByText("Total: BDT\u00a034.39", { normalizer: String })).toBeTruthy();
    expect(quotes().at(-1)?.body).toEqual({
      fulfilment: "pickup",
      cartItems: [
        { productId: "prd_chai", quantity: 1 },
        { productId: "prd_samosa", quantity: 1 },
      ],
      promoCode: "half",
    });
    await expectAccessible();
  });

  it("asks once typing has stopped, and about where it is to be brought", async () => {
    show(<ShopPage />, server);
    await add("chai");
    await comesTo("102");
    await user.type(field("billingInfo.postcode"), "1207");
    await waitFor(() =>
      expect(quotes().at(-1)?.body).toMatchObject({ destination: { country: "BD", postcode: "1207" } }),
    );
    const typed = quotes().map(({ body }) => (body as CartToQuote).destination?.postcode);
    expect(typed.filter((postcode) => postcode !== undefined).length).toBeLessThan(4);
  });

  it("is of the last cart, whichever answer comes last", async () => {
    const answers: (() => void)[] = [];
    server.on("POST /api/checkout/quote", async ({ body }) => {
      const { fulfilment } = body as CartToQuote;
      if (fulfilment === "delivery") await new Promise<void>((answer) => answers.push(answer));
      return quoted(body as CartToQuote);
    });
    show(<ShopPage />, server);
    await add("chai");
    await waitFor(() => expect(answers).toHaveLength(1));
    await user.click(screen.getByRole("radio", { name: "Pickup" }));
    await comesTo("42");
    answers.forEach((answer) => answer());
    await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>("place-order").disabled).toBe(false));
    expect(total()).toBe("BDT\u00a042");
  });

  it("is shown without a code that does not hold, which is said at its field", async () => {
    show(<ShopPage />, server);
    await add("chai");
    await user.type(field("promoCode"), "EID");
    await waitFor(() => expect(field("promoCode").getAttribute("aria-invalid")).toBe("true"));
    expect(screen.getByText("There is no such promotion.").id).toBe(
      field("promoCode").getAttribute("aria-describedby"),
    );
    await comesTo("102");
    await user.clear(field("promoCode"));
    await waitFor(() => expect(field("promoCode").getAttribute("aria-invalid")).toBeNull());
  });

  it("says at the line of which product too few are left", async () => {
    const detail = "2 of chai were asked for, and 1 are left.";
    server.on("POST /api/checkout/quote", () => ({
      status: 409,
      body: {
        type: "/problems/out-of-stock",
        title: "No",
        detail,
        status: 409,
        field: "cartItems[0].quantity",
      },
    }));
    show(<ShopPage />, server);
    await add("chai");
    const note = await screen.findByText(detail);
    expect(screen.getByLabelText("Quantity of chai").getAttribute("aria-describedby")).toBe(note.id);
    expect(screen.getByText("Estimated sum")).toBeTruthy();
    await expectAccessible();
  });

  it("that was not the one shown is refused, said, and shown anew", async () => {
    let price = 1;
    server.on("POST /api/checkout/quote", ({ body }) => {
      const answer = quoted(body as CartToQuote);
      return "total" in answer.body ? { body: { ...answer.body, total: answer.body.total * price } } : answer;
    });
    server.on("POST /api/orders", () => {
      price = 2;
      const status = 422;
      const body = { type: "/problems/total-differs", title: "No", detail: "…", status, field: "total" };
      return { status, body: { ...body, given: 102_00, computed: 204_00 } };
    });
    show(<ShopPage />, server);
    await fillIn();
    await comesTo("102");
    await place();
    expect((await screen.findByRole("alert")).textContent).toMatch(
      /^The total is now BDT\s204, not BDT\s102\. Nothing was ordered/,
    );
    await comesTo("204");
    await place();
    await waitFor(() =>
      expect(
        server.askedFor("POST /api/orders").map(({ body }) => (body as { total: number }).total),
      ).toEqual([102_00, 204_00]),
    );
  });
});

describe("a note", () => {
  it("goes with its line, is no part of the price, and leaves with it", async () => {
    server.on("POST /api/orders", () => ({
      status: 503,
      body: { title: "Busy", detail: "Later.", status: 503 },
    }));
    show(<ShopPage />, server);
    await fillIn();
    await comesTo("102");
    await user.click(screen.getByTestId("note-add"));
    const note = screen.getByLabelText("Note for the kitchen: chai");
    expect(document.activeElement).toBe(note);
    await user.keyboard("no sugar ");
    await expectAccessible();
    await place();
    await waitFor(() => expect(server.askedFor("POST /api/orders")).toHaveLength(1));
    const cartItems = [{ productId: "prd_chai", quantity: 1, note: "no sugar" }];
    expect(server.askedFor("POST /api/orders")[0]?.body).toMatchObject({ cartItems });
    expect(JSON.stringify(server.askedFor("POST /api/checkout/quote"))).not.toContain("no sugar");
    await user.click(screen.getByRole("button", { name: "Remove chai" }));
    expect(useCart.getState().notes).toEqual({});
  });
});

describe("the page of the checkout", () => {
  it("has the cart and the form, and no shelves; the way back keeps what is in it", async () => {
    history.replaceState(null, "", "/shop/checkout");
    useCart.getState().add({ id: "prd_chai", name: "chai", nameBn: "", image: "" });
    show(<CheckoutPage />, server);
    await comesTo("102");
    expect(screen.queryByTestId("product-card")).toBeNull();
    expect(screen.getByTestId("checkout-form")).toBeTruthy();
    await expectAccessible();
    await user.click(screen.getByRole("link", { name: "Back to the shop" }));
    expect(location.pathname).toBe("/shop");
    expect(useCart.getState().quantities).toEqual({ prd_chai: 1 });
  });

  it("leads to the shelves when the cart is empty", async () => {
    show(<CheckoutPage />, server);
    expect(await screen.findByText("Your cart is empty")).toBeTruthy();
  });
});

describe("the checkout", () => {
  it("sends the five parts and the total that it showed, then goes to where the order is followed", async () => {
    server.on("POST /api/orders", () => ({ status: 201, body: { ...anOrder(), trackingToken: "trk_1" } }));
    show(<ShopPage />, server);
    await fillIn();
    await expectAccessible();
    await place();
    await waitFor(() => expect(location.pathname + location.search).toBe("/track/ord_1001?token=trk_1"));
    const address = {
      name: "Asha Rahman",
      line1: "12 Lake Road",
      city: "Dhaka",
      postcode: "1207",
      country: "BD",
    };
    expect(server.askedFor("POST /api/orders")[0]?.body).toEqual({
      fulfilment: "delivery",
      customerInfo: { name: "Asha Rahman", email: "asha@example.com", mobile: "+8801700000000" },
      billingInfo: address,
      shippingInfo: address,
      cartItems: [{ productId: "prd_chai", quantity: 1 }],
      paymentInfo: { method: "cash" },
      total: 102_00,
    });
    expect(useCart.getState().quantities).toEqual({});
    // The next order, were it the same, is another one.
    expect(sessionStorage.getItem("ordercast.attempt")).toBeNull();
  });

  it("puts the server's word at the field, and the focus in it", async () => {
    server.on("POST /api/orders", () => ({
      status: 422,
      body: {
        title: "Invalid",
        detail: "That is no mobile number.",
        status: 422,
        field: "shippingInfo.line1",
      },
    }));
    show(<ShopPage />, server);
    await fillIn();
    await place();
    // One address serves for both, so its fields stand for the shipping address too.
    await waitFor(() => expect(document.activeElement).toBe(field("billingInfo.line1")));
    expect(field("billingInfo.line1").getAttribute("aria-invalid")).toBe("true");
    const note = document.getElementById(field("billingInfo.line1").getAttribute("aria-describedby") ?? "");
    expect(note?.textContent).toBe("That is no mobile number.");
    await expectAccessible();
  });

  it("says in its own words that a value has not the form it should have", async () => {
    server.on("POST /api/orders", () => ({
      status: 422,
      body: {
        type: "/problems/invalid-field",
        title: "No",
        detail: "Expected `str` matching regex",
        status: 422,
        field: "customerInfo.mobile",
      },
    }));
    show(<ShopPage />, server);
    await fillIn();
    await place();
    expect(await screen.findByText("This does not look like a telephone number.")).toBeTruthy();
    await waitFor(() => expect(document.activeElement).toBe(field("customerInfo.mobile")));
  });

  it("says all that is missing at once, in its own words, and asks the server for nothing", async () => {
    show(<ShopPage />, server);
    await add("chai");
    await user.type(field("customerInfo.email"), "nobody");
    await place();
    expect(document.activeElement).toBe(field("customerInfo.name"));
    const blamed = () =>
      [...screen.getByTestId<HTMLFormElement>("checkout-form").elements]
        .filter((each) => each.getAttribute("aria-invalid") === "true")
        .map((each) => each.getAttribute("name"));
    const wrong = ["name", "mobile", "email"].map((name) => `customerInfo.${name}`);
    expect(blamed()).toEqual([...wrong, "billingInfo.line1", "billingInfo.city"]);
    expect(screen.getAllByText("Please fill this in.")).toHaveLength(4);
    await user.type(field("customerInfo.mobile"), "0");
    expect(blamed()).not.toContain("customerInfo.mobile");
    expect(server.askedFor("POST /api/orders")).toEqual([]);
    await expectAccessible();
  });

  it("blames a field no more once it is mended, and says the next thing meanwhile", async () => {
    server.on("POST /api/orders", () => ({
      status: 422,
      body: { type: "/problems/invalid-field", title: "No", status: 422, field: "customerInfo.mobile" },
    }));
    show(<ShopPage />, server);
    await fillIn();
    await place();
    const mobile = field("customerInfo.mobile");
    await waitFor(() => expect(mobile.getAttribute("aria-invalid")).toBe("true"));
    await user.type(field("promoCode"), "EID");
    expect(await screen.findByText("There is no such promotion.")).toBeTruthy();
    expect(mobile.getAttribute("aria-invalid")).toBe("true");
    await user.type(mobile, "1");
    expect(mobile.getAttribute("aria-invalid")).toBeNull();
    expect(screen.getByText("There is no such promotion.")).toBeTruthy();
  });

  it("asks whoever collects and pays in cash for no address, and sends none", async () => {
    server.on("POST /api/orders", () => ({ status: 201, body: { ...anOrder(), trackingToken: "trk_1" } }));
    show(<ShopPage />, server);
    await fillIn();
    await user.click(screen.getByRole("radio", { name: "Pickup" }));
    expect(field("billingInfo.line1")).toBeNull();
    await place();
    await waitFor(() => expect(server.askedFor("POST /api/orders")).toHaveLength(1));
    const sent = server.askedFor("POST /api/orders")[0]?.body as object;
    expect(Object.keys(sent)).not.toContain("billingInfo");
    expect(Object.keys(sent)).not.toContain("shippingInfo");
  });

  it("shows and names what the shop sells no more, and takes the rest once it is out", async () => {
    show(<ShopPage />, server);
    await fillIn();
    await add("samosa");
    await comesTo("128.78");
    server.on("GET /api/products", () => ({
      body: { items: [product("samosa", 25_50, 500)], nextCursor: null },
    }));
    server.on("POST /api/orders", () => ({
      status: 422,
      body: { type: "/problems/unknown-product", title: "No", status: 422, field: "cartItems[0].productId" },
    }));
    await place();
    const line = await screen.findByTestId("withdrawn-line");
    expect(line.textContent).toContain("chai");
    expect(line.textContent).toContain("The shop does not sell this any more.");
    expect(screen.getByTestId<HTMLButtonElement>("place-order").disabled).toBe(true);
    await expectAccessible();
    await user.click(within(line).getByRole("button", { name: "Remove chai" }));
    await comesTo("86.78");
    expect(screen.getByTestId<HTMLButtonElement>("place-order").disabled).toBe(false);
  });

  it("says in the form what belongs to no field of it", async () => {
    server.on("POST /api/orders", () => ({
      status: 402,
      body: { title: "Declined", detail: "The card was declined.", status: 402, field: "paymentInfo.token" },
    }));
    show(<ShopPage />, server);
    await fillIn();
    await user.click(await screen.findByRole("radio", { name: "Card" }));
    await user.selectOptions(field("paymentInfo.token"), "tok_declined");
    await place();
    expect((await screen.findByRole("alert")).textContent).toBe("The card was declined.");
    expect(server.askedFor("POST /api/orders")[0]?.body).toMatchObject({
      paymentInfo: { method: "card", token: "tok_declined" },
    });
  });

  it("offers a provider of the shop's own by its name, and sends the buyer to its pages", async () => {
    server.on("POST /api/orders", () => ({
      status: 402,
      body: { title: "Declined", detail: "The payment was declined.", status: 402 },
    }));
    show(<ShopPage />, server, { paymentProvider: "http", paymentProviderName: "bKash" });
    await fillIn();
    await user.click(await screen.findByRole("radio", { name: "bKash" }));
    expect(screen.queryByText(/no money moves/i)).toBeNull();
    await place();
    expect((await screen.findByRole("alert")).textContent).toBe("The payment was declined.");
    expect(server.askedFor("POST /api/orders")[0]?.body).toMatchObject({
      paymentInfo: {
        method: "card",
        token: "tok_redirect",
        returnUrl: expect.stringContaining("/track/{orderId}") as string,
      },
    });
  });

  it("tries again under the same key after a fault, and under another one once the order is another", async () => {
    server.on("POST /api/orders", () => ({ status: 503, body: { title: "Busy", status: 503 } }));
    show(<ShopPage />, server);
    await fillIn();
    const posts = () => server.askedFor("POST /api/orders");
    const sent = (count: number) => waitFor(() => expect(posts()).toHaveLength(count));
    await place();
    await sent(1);
    await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>("place-order").disabled).toBe(false));
    await place();
    await sent(2);
    await add("samosa");
    await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>("place-order").disabled).toBe(false));
    await place();
    await sent(3);
    const [first, second, third] = posts().map(({ headers }) => headers["idempotency-key"]);
    expect(first).toBeTruthy();
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it("has no field that would take a card number", async () => {
    show(<ShopPage />, server);
    await add("chai");
    await user.click(await screen.findByRole("radio", { name: "Card" }));
    const names = [...screen.getByTestId<HTMLFormElement>("checkout-form").elements].map((each) =>
      each.getAttribute("name"),
    );
    expect(names.filter((name) => name?.startsWith("paymentInfo"))).toEqual([
      "paymentInfo.method",
      "paymentInfo.method",
      "paymentInfo.token",
    ]);
    expect(field("paymentInfo.token").tagName).toBe("SELECT");
  });
});
