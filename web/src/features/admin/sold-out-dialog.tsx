import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { isSoldOutToday, setSoldOut } from "../../api/opening";
import { productsQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { Loading, ProblemNote } from "../../ui/notes";
import { currentToken } from "../session/session";

/** What cannot be ordered today, whatever is left of it: one press each. */
export function SoldOutDialog({ onClose }: { onClose: () => void }) {
  const { t, locale } = useText();
  const queries = useQueryClient();
  const products = useQuery(productsQuery);
  const saying = useMutation({
    mutationFn: ({ id, soldOut }: { id: string; soldOut: boolean }) =>
      setSoldOut(id, soldOut, currentToken()),
    onSuccess: () => queries.invalidateQueries({ queryKey: productsQuery.queryKey }),
  });
  const pressed = saying.variables;
  const problem = products.error ?? saying.error;
  return (
    <Dialog title={t("soldOut.title")} onClose={onClose}>
      <p className="muted">{t("soldOut.lead")}</p>
      {products.isPending && <Loading cards={3} />}
      {problem && <ProblemNote error={problem} />}
      <div className="settings sold-out">
        {products.data?.map((product) => (
          <label key={product.id} className="settings-choice">
            <input
              type="checkbox"
              checked={
                saying.isPending && pressed?.id === product.id ? pressed.soldOut : isSoldOutToday(product)
              }
              data-testid="sold-out"
              data-product-id={product.id}
              disabled={saying.isPending}
              onChange={({ target }) => saying.mutate({ id: product.id, soldOut: target.checked })}
            />
            {(locale === "bn" && product.nameBn) || product.name}
          </label>
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
