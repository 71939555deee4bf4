import { useQuery } from "@tanstack/react-query";
import { productsQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { countOf, useCart } from "../../stores/cart";
import { ProblemNote, Loading } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { ClosedNote } from "../../ui/closed-note";
import { Account } from "./account";
import { CartBar, CartPanel } from "./cart-panel";
import { ProductGrid } from "./product-grid";
import "./shop.css";

/** How old what the shelves say may be while somebody looks at them. */
const STOCK_EVERY_MS = 20_000;

export default function ShopPage() {
  const { t } = useText();
  // What is left is somebody else's to buy, too.
  const products = useQuery({ ...productsQuery, refetchInterval: STOCK_EVERY_MS });
  const quantities = useCart((state) => state.quantities);
  return (
    <Shell title={t("shop.title")} lead={t("shop.lead")} tools={<Account />} wide>
      <ClosedNote />
      <div className="shop">
        <section aria-label={t("shop.products")}>
          {products.isPending && <Loading cards={8} />}
          {products.isError && <ProblemNote error={products.error} onRetry={() => void products.refetch()} />}
          {products.data && <ProductGrid products={products.data} />}
        </section>
        <CartPanel products={products.data} />
      </div>
      <CartBar count={countOf(quantities)} />
      <p className="visually-hidden" role="status">
        {t("cart.count", { count: countOf(quantities) })}
      </p>
    </Shell>
  );
}
