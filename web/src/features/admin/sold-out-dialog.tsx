import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { isSoldOutToday, setSoldOut } from "../../api/opening";
import { type Product, productsQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { Loading, ProblemNote } from "../../ui/notes";
import { currentToken } from "../session/session";

/** What cannot be ordered today, whatever is left of it: one press each. */
export function SoldOutDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const products = useQuery(productsQuery);
  return (
    <Dialog title={t("soldOut.title")} onClose={onClose}>
      <p className="muted">{t("soldOut.lead")}</p>
      {products.isPending && <Loading cards={3} />}
      {products.error && <ProblemNote error={products.error} />}
      <div className="settings sold-out">
        {products.data?.map((product) => (
          <SoldOutSwitch key={product.id} product={product} />
        ))}
      </div>
      <div className="dialog-actions">
        <button type="button" className="button button--primary" onClick={onClose}>
          {t("keys.close")}
        </button>
      </div>
    </Dialog>
  );
}

/** One product. It is not disabled while it is saved: a disabled box that has the focus swallows the keys, Escape too. */
function SoldOutSwitch({ product }: { product: Product }) {
  const { locale } = useText();
  const queries = useQueryClient();
  const saving = useMutation({
    mutationFn: (soldOut: boolean) => setSoldOut(product.id, soldOut, currentToken()),
    onSuccess: () => queries.invalidateQueries({ queryKey: productsQuery.queryKey }),
  });
  return (
    <>
      <label className="settings-choice">
        <input
          type="checkbox"
          checked={saving.isPending ? saving.variables : isSoldOutToday(product)}
          data-testid="sold-out"
          data-product-id={product.id}
          onChange={({ target }) => saving.mutate(target.checked)}
        />
        {(locale === "bn" && product.nameBn) || product.name}
      </label>
      {saving.error && <ProblemNote error={saving.error} />}
    </>
  );
}
