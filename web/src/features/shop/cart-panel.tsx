import { Link } from "wouter";
import type { Product } from "../../api/shop";
import { useText } from "../../i18n/text";
import { countOf, useCart } from "../../stores/cart";
import { Basket } from "../../ui/icons";
import { Empty } from "../../ui/notes";
import { Checkout } from "./checkout";
import { useCartLines } from "./use-cart-lines";

/** The cart and, as soon as something is in it, the way to order. */
export function CartPanel({ products }: { products: Product[] | undefined }) {
  const { t, number } = useText();
  const quantities = useCart((state) => state.quantities);
  const lines = useCartLines(products);
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

/** On a phone the cart is a page of its own, to which this bar leads. */
export function CartBar({ count }: { count: number }) {
  const { t } = useText();
  if (count === 0) return null;
  return (
    <Link className="cart-bar button button--primary" href="/shop/checkout">
      <Basket /> {t("cart.view", { count })}
    </Link>
  );
}
