import type { Order } from "@ordercast/client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { payOrder } from "../../api/payments";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { REDIRECT, TEST_CARDS, type TestCard } from "../../stores/payment";
import { Button } from "../../ui/button";
import { SelectField } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { visitBank } from "../../stores/bank-visit";
import { isOver } from "./over";

/** Whether there is something to pay, and nothing of it was taken. */
export function isPayable(order: Order): boolean {
  const { paymentStatus, amountPaid, total } = order;
  const isUnpaid = paymentStatus === "unpaid" || paymentStatus === "failed";
  return isUnpaid && amountPaid === 0 && total > 0 && !isOver(order);
}

/** For an order that stands and is not paid: paying by card. What comes of it is told by the order's own events. */
export function PayAgain({ order, token, onPaid }: { order: Order; token: string; onPaid: () => void }) {
  const { t, money } = useText();
  const config = useQuery(configQuery);
  const provider = config.data?.paymentProvider;
  // One of the shop's own sends its customers to pages of its own.
  const redirects = provider === "http";
  const [card, setCard] = useState<TestCard>("tok_visa");
  const [key, setKey] = useState(() => crypto.randomUUID());
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => {
      const returnUrl = `${location.origin}/track/{orderId}`;
      const info = { method: "card", token: redirects ? REDIRECT : card, returnUrl } as const;
      return payOrder(order.id, info, key, token);
    },
    // The next press is another attempt.
    onSettled: () => setKey(crypto.randomUUID()),
    onSuccess: ({ paymentAction }) => {
      if (paymentAction?.url) visitBank(paymentAction.url, order.id, token);
      else onPaid();
    },
  });
  // Another provider's tokens are made by its own form, which this page does not have.
  if (!isPayable(order) || (provider !== "sandbox" && !redirects)) return null;
  return (
    <form
      className="pay-again"
      onSubmit={(event) => {
        event.preventDefault();
        mutate();
      }}
    >
      {redirects ? (
        <p>{config.data?.paymentProviderName}</p>
      ) : (
        <SelectField
          label={t("payment.testCard")}
          name="paymentInfo.token"
          value={card}
          hint={t("payment.noMoney")}
          onChange={({ target }) => setCard(target.value as TestCard)}
        >
          {TEST_CARDS.map((each) => (
            <option key={each} value={each}>
              {t(`payment.${each}`)}
            </option>
          ))}
        </SelectField>
      )}
      {error && <ProblemNote error={error} />}
      <Button type="submit" className="button button--primary" busy={isPending}>
        {t("payment.payNow", { amount: money(order.total, order.currency) })}
      </Button>
    </form>
  );
}
