import type { Live } from "@ordercast/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useStore } from "zustand";
import { type Mismatch, mismatchesQuery, resolveMismatch } from "../../api/payments";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Age } from "../../ui/age";
import { ProblemText } from "../../ui/notes";
import { currentToken } from "../session/session";
import { useBoardContext } from "./board-context";

/** A card for each thing in which a payment provider's money differs from ours, until somebody has seen to it. */
export function Mismatches({ live }: { live: Live }) {
  const { t } = useText();
  const cards = useMismatches(live);
  return (
    <div aria-live="polite">
      {cards.length > 0 && (
        <section className="mismatches" aria-labelledby="mismatches-heading">
          <h2 id="mismatches-heading">{t("mismatch.title")}</h2>
          <ul>
            {cards.map((card) => (
              <MismatchCard key={card.id} card={card} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

const NONE: Mismatch[] = [];

/** Those open. Each event is but the reason to read them again: they are few, and an answer under way may be older. */
function useMismatches(live: Live): Mismatch[] {
  const queries = useQueryClient();
  const { data } = useQuery(mismatchesQuery(currentToken()));
  useEffect(() => {
    const { queryKey } = mismatchesQuery(undefined);
    const read = () => void queries.invalidateQueries({ queryKey });
    const stops = [live.on("payment_mismatch", read), live.on("ready", read), live.onGap(read)];
    return () => stops.forEach((stop) => stop());
  }, [live, queries]);
  return data?.items ?? NONE;
}

function MismatchCard({ card }: { card: Mismatch }) {
  const { t } = useText();
  const { board } = useBoardContext();
  const queries = useQueryClient();
  const about = card.orderId ?? card.bookingId ?? "";
  const number = useStore(board.store, ({ orders }) => orders.get(about)?.number);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => resolveMismatch(card.id, currentToken()),
    onSuccess: () => queries.invalidateQueries({ queryKey: mismatchesQuery(undefined).queryKey }),
  });
  const order = number === undefined ? about : `#${number}`;
  return (
    <li className="card mismatch" data-testid="mismatch-card" data-kind={card.kind} data-order-id={about}>
      <div className="order-head">
        <strong>{t("mismatch.of", { order, kind: t(`mismatch.${card.kind}`) })}</strong>
        <Age at={card.createdAt} />
      </div>
      <p>{card.text}</p>
      <p className="muted">
        {card.provider}
        {card.reference !== null && ` · ${card.reference}`}
      </p>
      {error && (
        <div className="note note--small note--bad" role="alert">
          <ProblemText error={error} />
        </div>
      )}
      <Button
        type="button"
        className="button button--small"
        data-testid="mismatch-resolve"
        busy={isPending}
        onClick={() => mutate()}
      >
        {t("mismatch.resolve")}
        <span className="visually-hidden">: {order}</span>
      </Button>
    </li>
  );
}
