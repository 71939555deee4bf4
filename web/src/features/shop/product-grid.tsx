import { isSoldOutToday } from "../../api/opening";
import type { Product } from "../../api/shop";
import { useText } from "../../i18n/text";
import { QUANTITY_MAX, useCart } from "../../stores/cart";
import { Empty } from "../../ui/notes";
import { describe, nameOf } from "./words";

/** From here on the buyer is told how few are left. */
const SCARCE_MAX = 10;

export function ProductGrid({ products }: { products: Product[] }) {
  const { t } = useText();
  if (products.length === 0) return <Empty title={t("shop.empty")} />;
  return (
    <ul className="grid products">
      {products.map((product) => (
        <ProductCard key={product.id} product={product} />
      ))}
    </ul>
  );
}

function ProductCard({ product }: { product: Product }) {
  const { t, money, locale } = useText();
  const inCart = useCart((state) => state.quantities[product.id] ?? 0);
  const add = useCart((state) => state.add);
  const name = nameOf(product, locale);
  const left = isSoldOutToday(product) ? 0 : product.stock;
  return (
    <li className="card product" data-testid="product-card" data-product-id={product.id}>
      <img src={product.image} alt="" width="240" height="180" loading="lazy" />
      <div className="product-body">
        <h2>{name}</h2>
        <p className="muted">{describe(product, locale)}</p>
        <p className="product-figures">
          <strong>{money(product.price, product.currency)}</strong>
          <Stock left={left} />
        </p>
        <button
          type="button"
          className="button button--soft"
          data-testid="add-to-cart"
          disabled={inCart >= Math.min(left, QUANTITY_MAX)}
          onClick={() => add(product)}
        >
          {inCart === 0 ? t("shop.add") : t("shop.inCart", { count: inCart })}
          <span className="visually-hidden">: {name}</span>
        </button>
      </div>
    </li>
  );
}

function Stock({ left }: { left: number }) {
  const { t } = useText();
  if (left <= 0) return <span className="stock stock--none">{t("shop.soldOut")}</span>;
  if (left <= SCARCE_MAX)
    return <span className="stock stock--scarce">{t("shop.left", { count: left })}</span>;
  return <span className="stock">{t("shop.inStock")}</span>;
}
