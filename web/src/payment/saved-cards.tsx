import { useMutation, useQueryClient } from "@tanstack/react-query";
import { removeSavedCard, type SavedCard, savedCardsQuery } from "../api/payments";
import { useText } from "../i18n/text";
import { usePayment } from "../stores/payment";
import { Button } from "../ui/button";
import { SelectField } from "../ui/field";
import type { Session } from "../features/session/session";
import { ProblemNote } from "../ui/notes";
import { cardName } from "../ui/card-name";

/** The cards that the customer has kept: one to pay by, and the way to keep it no longer. */
export function SavedCards({ cards, holder }: { cards: SavedCard[]; holder: Session | undefined }) {
  const { t } = useText();
  const { savedCard, choose } = usePayment();
  const queries = useQueryClient();
  const removal = useMutation({
    mutationFn: (id: string) => removeSavedCard(id, holder?.token),
    onSuccess: (_, id) => {
      const { queryKey } = savedCardsQuery(holder);
      const rest = cards.filter((card) => card.id !== id);
      queries.setQueryData(queryKey, rest);
      choose(rest[0] ? { savedCard: rest[0].id } : { method: "cash", savedCard: "" });
    },
  });
  return (
    <>
      <SelectField
        label={t("payment.savedCard")}
        name="paymentInfo.savedMethodId"
        required
        value={savedCard}
        onChange={({ target }) => choose({ savedCard: target.value })}
      >
        {cards.map((card) => (
          <option key={card.id} value={card.id}>
            {cardName(card) ?? t("payment.card")}
          </option>
        ))}
      </SelectField>
      {removal.error && <ProblemNote error={removal.error} />}
      <Button
        type="button"
        className="button button--small button--danger"
        busy={removal.isPending}
        disabled={savedCard === ""}
        onClick={() => removal.mutate(savedCard)}
      >
        {t("payment.forget")}
      </Button>
    </>
  );
}
