import { lazy, Suspense } from "react";
import { Link } from "wouter";
import { useText } from "../../i18n/text";
import { ClosedNote } from "../../ui/closed-note";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { Account } from "./account";
import { Checkout } from "./checkout";
import { useCartLines } from "./use-cart-lines";
import { useCatalogue } from "./use-catalogue";
import "./shop.css";

const LiveShop = lazy(() => import("./live-shop"));

/** `/shop/checkout`: the cart and all that an order needs, without the shelves beside it. */
export default function CheckoutPage() {
  const { t } = useText();
  const products = useCatalogue();
  const lines = useCartLines(products.data);
  return (
    <Shell title={t("checkout.page")} tools={<Account />}>
      <Suspense>
        <LiveShop />
      </Suspense>
      <ClosedNote />
      <p className="checkout-back">
        <Link href="/shop">{t("checkout.back")}</Link>
      </p>
      {products.isPending && <Loading cards={1} />}
      {products.isError && <ProblemNote error={products.error} onRetry={() => void products.refetch()} />}
      {products.data && (
        <section className="cart card checkout-page" aria-label={t("cart.title")}>
          {lines.length === 0 ? (
            <Empty title={t("cart.empty")}>
              <p className="muted">{t("cart.emptyHint")}</p>
            </Empty>
          ) : (
            <Checkout lines={lines} />
          )}
        </section>
      )}
    </Shell>
  );
}
