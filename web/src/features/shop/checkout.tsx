import { useEffect, useMemo, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { openingQuery } from "../../api/opening";
import { Problem } from "../../api/problem";
import { useText } from "../../i18n/text";
import { useShipping } from "../../stores/shipping";
import { closedWords } from "../../ui/closed-note";
import { ProblemNote } from "../../ui/notes";
import { useCustomerSession } from "../session/customer";
import { CartLines, Estimate, isSold, type Line } from "./cart-lines";
import { CheckoutForm } from "./checkout-form";
import { faultsIn } from "./fault";
import { checked, type FormValues, standing, useFormValues } from "./form-values";
import { hasOneAddress } from "./new-order";
import { Total } from "./total";
import { usePlaceOrder } from "./use-place-order";
import { useQuote } from "./use-quote";

/** From the lines of the cart to the order: what the server makes of them stands beside what it is about. */
export function Checkout({ lines }: { lines: Line[] }) {
  const text = useText();
  const { t, money } = text;
  const customer = useCustomerSession();
  const sold = lines.filter(isSold);
  const someGone = sold.length < lines.length;
  const { quote, settling, problem, retry } = useQuote(customer?.token, !someGone);
  const { place, placing, error, sent } = usePlaceOrder(customer);
  const values = useFormValues();
  const [tried, setTried] = useState<FormValues>();
  const refused = useMemo(() => faultsIn(text, error, hasOneAddress()), [text, error]);
  const ofCart = faultsIn(text, problem, hasOneAddress());
  const faults = {
    ...ofCart,
    ...(sent && standing(refused, sent, values)),
    ...(tried && standing(checked(text, tried), tried, values)),
  };
  // Where the server found fault, and where the form itself did at the last try.
  useFocusOn(Object.keys(refused)[0], error);
  useFocusOn(tried && Object.keys(checked(text, tried))[0], tried);

  const closed = closedWords(text, useQuery(openingQuery).data);
  const isForLater = useShipping(({ requestedTime }) => requestedTime !== null);
  const submit = () => {
    setTried(values);
    if (Object.keys(checked(text, values)).length === 0) place(quote?.total, values);
  };
  const isShown = (at: Error | null) => Object.keys(faultsIn(text, at, hasOneAddress())).length > 0;
  return (
    <>
      <CartLines lines={lines} faultAt={(index, field) => faults[`cartItems.${index}.${field}`]} />
      {quote && !someGone ? <Total quote={quote} settling={settling} /> : <Estimate lines={sold} />}
      {problem && !isShown(problem) && <ProblemNote error={problem} onRetry={retry} />}
      <CheckoutForm
        onPlace={submit}
        placing={placing}
        settling={settling}
        blocked={someGone ? t("cart.goneHint") : isForLater ? undefined : closed}
        placeWords={
          quote ? t("checkout.placeFor", { total: money(quote.total, quote.currency) }) : t("checkout.place")
        }
        faults={faults}
        error={error && !isShown(error) ? inWords(error) : null}
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

/** Puts the focus on a field once for each `cause`; those of the cart stand outside the form. */
function useFocusOn(field: string | undefined, cause: unknown): void {
  useEffect(() => {
    if (field !== undefined) document.getElementsByName(field)[0]?.focus();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- while it is mended, nothing takes the focus away
  }, [cause]);
}
