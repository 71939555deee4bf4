import { useEffect, useState } from "react";
import type { Product } from "../../api/shop";
import { useText } from "../../i18n/text";
import { countOf, type Remembered, useCart } from "../../stores/cart";
import { Basket } from "../../ui/icons";
import { Empty } from "../../ui/notes";
import type { Line } from "./cart-lines";
import { Checkout } from "./checkout";

/** The cart and, as soon as something is in it, the way to order. */
export function CartPanel({ products }: { products: Product[] | undefined }) {
  const { t, number } = useText();
  const { quantities, remembered } = useCart();
  const lines = linesOf(quantities, products, remembered);
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

const FORGOTTEN: Remembered = { name: "", nameBn: "", image: "" };

/** What left the catalogue since it was put in the cart stays there, to be seen and taken out. */
function linesOf(
  quantities: Record<string, number>,
  products: Product[] | undefined,
  remembered: Record<string, Remembered>,
): Line[] {
  if (products === undefined) return [];
  return Object.entries(quantities).map(([id, quantity]) => {
    const product = products.find((candidate) => candidate.id === id);
    return product === undefined
      ? { gone: { id, ...(remembered[id] ?? FORGOTTEN) }, quantity }
      : { product, quantity };
  });
}

/** On a phone the cart lies below the shelves; this bar leads there, and goes once it is in sight. */
export function CartBar({ count }: { count: number }) {
  const { t } = useText();
  const inSight = useInSight("cart");
  if (count === 0 || inSight) return null;
  return (
    <a className="cart-bar button button--primary" href="#cart">
      <Basket /> {t("cart.view", { count })}
    </a>
  );
}

function useInSight(id: string): boolean {
  const [inSight, setInSight] = useState(false);
  useEffect(() => {
    const element = document.getElementById(id);
    if (element === null || !("IntersectionObserver" in window)) return;
    const observer = new IntersectionObserver((entries) =>
      setInSight(entries.some(({ isIntersecting }) => isIntersecting)),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [id]);
  return inSight;
}
