import { useMutation, useQuery } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { findOrder } from "../../api/orders";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";

const BENGALI_ZERO = 0x09e6;
/** As it is printed, with its sign or without, in the digits of either language. */
const numberIn = (typed: string) => {
  const ascii = typed.replace(/[০-৯]/g, (digit) => String(digit.charCodeAt(0) - BENGALI_ZERO));
  return /^\s*#?\s*(\d{1,15})\s*$/.exec(ascii)?.[1];
};

/** Has the link of an order mailed; whether there is such an order, nobody learns here. */
export function FindOrder() {
  const { t } = useText();
  const config = useQuery(configQuery).data;
  const [number, setNumber] = useState("");
  const [mobile, setMobile] = useState("");
  const [tried, setTried] = useState(false);
  const wanted = numberIn(number);
  const { mutate, isPending, isSuccess, error } = useMutation({
    mutationFn: (wantedNumber: number) => findOrder(wantedNumber, mobile.trim()),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setTried(true);
    if (wanted !== undefined && mobile.trim() !== "") mutate(Number(wanted));
  };
  if (config?.sendsMail === false) return <p className="card orders-elsewhere">{t("findOrder.noMail")}</p>;
  return (
    <form className="card login" aria-label={t("findOrder.title")} noValidate onSubmit={submit}>
      <h2>{t("findOrder.title")}</h2>
      <p className="muted">{t("findOrder.lead")}</p>
      <Field
        label={t("findOrder.number")}
        name="number"
        inputMode="numeric"
        autoComplete="off"
        required
        maxLength={20}
        value={number}
        error={tried && wanted === undefined ? t("findOrder.noNumber") : undefined}
        onChange={({ target }) => setNumber(target.value)}
      />
      <Field
        label={t("field.mobile")}
        name="mobile"
        type="tel"
        autoComplete="tel"
        required
        maxLength={32}
        value={mobile}
        error={tried && mobile.trim() === "" ? t("fault.needed") : undefined}
        onChange={({ target }) => setMobile(target.value)}
      />
      {error && <ProblemNote error={error} />}
      <Button
        type="submit"
        className="button button--primary button--wide"
        data-testid="lookup-submit"
        busy={isPending}
      >
        {t("findOrder.submit")}
      </Button>
      {isSuccess && (
        <p className="note" role="status" data-testid="lookup-sent">
          {t("findOrder.sent")}
        </p>
      )}
    </form>
  );
}
