import { lazy, Suspense } from "react";
import { useText } from "../../i18n/text";
import { countOf, useCart } from "../../stores/cart";
import { ProblemNote, Loading } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { ClosedNote } from "../../ui/closed-note";
import { useMediaQuery } from "../../ui/media-query";
import { Account } from "./account";
import { CartBar, CartPanel } from "./cart-panel";
import { ProductGrid } from "./product-grid";
import { useCatalogue } from "./use-catalogue";
import "./shop.css";

const LiveShop = lazy(() => import("./live-shop"));

/** Below it the shelves fill the screen, and the cart is a page of its own. */
const NARROW = "(width < 60rem)";

export default function ShopPage() {
  const { t } = useText();
  const products = useCatalogue();
  const isNarrow = useMediaQuery(NARROW);
  const quantities = useCart((state) => state.quantities);
  return (
    <Shell title={t("shop.title")} lead={t("shop.lead")} tools={<Account />} wide>
      <Suspense>
        <LiveShop />
      </Suspense>
      <ClosedNote />
      <div className="shop">
        <section aria-label={t("shop.products")}>
          {products.isPending && <Loading cards={8} />}
          {products.isError && <ProblemNote error={products.error} onRetry={() => void products.refetch()} />}
          {products.data && <ProductGrid products={products.data} />}
        </section>
        {!isNarrow && <CartPanel products={products.data} />}
      </div>
      {isNarrow && <CartBar count={countOf(quantities)} />}
      <p className="visually-hidden" role="status">
        {t("cart.count", { count: countOf(quantities) })}
      </p>
    </Shell>
  );
}
