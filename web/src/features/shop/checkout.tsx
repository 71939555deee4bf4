import { useMemo } from "react";
import { Problem } from "../../api/problem";
import { useText } from "../../i18n/text";
import { ProblemNote } from "../../ui/notes";
import { useCustomerSession } from "../session/customer";
import { CartLines, Estimate, type Line } from "./cart-lines";
import { CheckoutForm } from "./checkout-form";
import { faultIn, type FaultAt, faultOf } from "./fault";
import { hasOneAddress } from "./new-order";
import { Total } from "./total";
import { usePlaceOrder } from "./use-place-order";
import { useQuote } from "./use-quote";

/** From the lines of the cart to the order: what the server makes of them stands beside what it is about. */
export function Checkout({ lines }: { lines: Line[] }) {
  const { t, money } = useText();
  const customer = useCustomerSession();
  const { quote, settling, problem, retry } = useQuote(customer?.token);
  const { place, placing, error } = usePlaceOrder(customer);
  const refused = useMemo(() => faultAt(error), [error]);
  const fault = refused ?? faultAt(problem);
  return (
    <>
      <CartLines lines={lines} faultOf={(index) => faultOf(t, fault, `cartItems.${index}.quantity`)} />
      {quote ? <Total quote={quote} settling={settling} /> : <Estimate lines={lines} />}
      {problem && !faultAt(problem) && <ProblemNote error={problem} onRetry={retry} />}
      <CheckoutForm
        onPlace={() => place(quote?.total)}
        placing={placing}
        settling={settling}
        placeWords={
          quote ? t("checkout.placeFor", { total: money(quote.total, quote.currency) }) : t("checkout.place")
        }
        fault={fault}
        refused={refused}
        error={error && !refused ? inWords(error) : null}
      />
    </>
  );

  /** Where the total was another than the one shown, both are said; the new one stands above by then. */
  function inWords(given: Error): Error {
    if (!(given instanceof Problem) || !given.is("total-differs") || quote === undefined) return given;
    const { given: shown = 0, computed = 0 } = given.body;
    const words = { shown: money(shown, quote.currency), total: money(computed, quote.currency) };
    return new Error(t("checkout.totalDiffers", words));
  }
}

const faultAt = (error: Error | null): FaultAt =>
  error instanceof Problem ? faultIn(error, hasOneAddress()) : undefined;
