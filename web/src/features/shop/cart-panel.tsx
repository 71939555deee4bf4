import type { Product } from "../../api/shop";
import { useText } from "../../i18n/text";
import { countOf, useCart } from "../../stores/cart";
import { Basket } from "../../ui/icons";
import { Empty } from "../../ui/notes";
import type { Line } from "./cart-lines";
import { Checkout } from "./checkout";

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
        <Checkout lines={lines} />
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
