import { useId } from "react";
import type { Product } from "../../api/shop";
import { useText } from "../../i18n/text";
import { countOf, QUANTITY_MAX, useCart } from "../../stores/cart";
import { Basket, Cross } from "../../ui/icons";
import { Empty } from "../../ui/notes";
import { CheckoutForm } from "./checkout-form";
import { nameOf } from "./words";

interface Line {
  product: Product;
  quantity: number;
}

/** The cart and, as soon as something is in it, the way to order. */
export function CartPanel({ products }: { products: Product[] }) {
  const { t, number } = useText();
  const quantities = useCart((state) => state.quantities);
  const lines = linesOf(quantities, products);
  return (
    <aside className="cart card" id="cart" aria-labelledby="cart-heading">
      <h2 id="cart-heading" tabIndex={-1}>
        {t("cart.title")}
        <span className="badge" data-testid="cart-count">
          {number(countOf(quantities))}
        </span>
      </h2>
      {lines.length === 0 ? (
        <Empty title={t("cart.empty")}>
          <p className="muted">{t("cart.emptyHint")}</p>
        </Empty>
      ) : (
        <>
          <ul className="cart-lines">
            {lines.map((line) => (
              <CartLine key={line.product.id} {...line} />
            ))}
          </ul>
          <Estimate lines={lines} />
          <CheckoutForm />
        </>
      )}
    </aside>
  );
}

/** What left the catalogue since it was put in the cart is no longer offered. */
function linesOf(quantities: Record<string, number>, products: Product[]): Line[] {
  return Object.entries(quantities).flatMap(([id, quantity]) => {
    const product = products.find((candidate) => candidate.id === id);
    return product === undefined ? [] : [{ product, quantity }];
  });
}

function CartLine({ product, quantity }: Line) {
  const { t, money, locale } = useText();
  const setQuantity = useCart((state) => state.setQuantity);
  const id = useId();
  const name = nameOf(product, locale);
  const most = Math.max(Math.min(product.stock, QUANTITY_MAX), 1);
  return (
    <li className="cart-line">
      <img src={product.image} alt="" width="56" height="42" />
      <span className="cart-line-name">{name}</span>
      <span className="cart-line-total">{money(product.price * quantity, product.currency)}</span>
      <label className="visually-hidden" htmlFor={id}>
        {t("cart.quantity", { name })}
      </label>
      <input
        id={id}
        className="cart-line-quantity"
        type="number"
        inputMode="numeric"
        min={1}
        max={most}
        value={quantity}
        onChange={({ target }) => {
          if (target.valueAsNumber >= 1) setQuantity(product.id, target.valueAsNumber);
        }}
      />
      <button
        type="button"
        className="button button--quiet button--icon"
        aria-label={t("cart.remove", { name })}
        onClick={() => setQuantity(product.id, 0)}
      >
        <Cross />
      </button>
    </li>
  );
}

/** Only what the catalogue says: tax and delivery are the server's to reckon. */
function Estimate({ lines }: { lines: Line[] }) {
  const { t, money } = useText();
  const sum = lines.reduce((total, { product, quantity }) => total + product.price * quantity, 0);
  return (
    <div className="estimate">
      <p>
        <span>{t("cart.estimate")}</span>
        <strong>{money(sum, lines[0]?.product.currency ?? "BDT")}</strong>
      </p>
      <p className="muted">{t("cart.estimateNote")}</p>
    </div>
  );
}

/** On a phone the cart lies below the shelves; this bar leads there. */
export function CartBar({ count }: { count: number }) {
  const { t } = useText();
  if (count === 0) return null;
  return (
    <a className="cart-bar button button--primary" href="#cart">
      <Basket /> {t("cart.view", { count })}
    </a>
  );
}
