import type { Quote } from "../../api/checkout";
import { useText } from "../../i18n/text";
import { Sums } from "../../ui/sums";

/** What the order will cost. KeyedText aloud only once it has settled, not at every step on the way there. */
export function Total({ quote, settling }: { quote: Quote; settling: boolean }) {
  const { t, money } = useText();
  const said = settling ? "" : t("checkout.total", { total: money(quote.total, quote.currency) });
  return (
    <div className="total" aria-busy={settling} data-testid="quote">
      <Sums of={quote} totalId="quote-total" />
      <p className="visually-hidden" role="status">
        {said}
      </p>
    </div>
  );
}
