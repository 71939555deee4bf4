import { useMutation, useQuery } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { lookUpOrder } from "../../api/orders";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";

const BENGALI_ZERO = 0x09e6;
/** As it is printed, with its sign or without, in the digits of either language. */
const numberIn = (typed: string) => {
  const ascii = typed.replace(/[০-৯]/g, (digit) => String(digit.charCodeAt(0) - BENGALI_ZERO));
  return /^\s*#?\s*(\d{1,15})\s*$/.exec(ascii)?.[1];
};

/** Has the link of an order mailed; whether there is such an order, nobody learns here. */
export function LookUp() {
  const { t } = useText();
  const config = useQuery(configQuery).data;
  const [number, setNumber] = useState("");
  const [mobile, setMobile] = useState("");
  const [tried, setTried] = useState(false);
  const wanted = numberIn(number);
  const { mutate, isPending, isSuccess, error } = useMutation({
    mutationFn: (wantedNumber: number) => lookUpOrder(wantedNumber, mobile.trim()),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setTried(true);
    if (wanted !== undefined && mobile.trim() !== "") mutate(Number(wanted));
  };
  if (config?.sendsMail === false) return <p className="card orders-elsewhere">{t("lookup.noMail")}</p>;
  return (
    <form className="card login" aria-label={t("lookup.title")} noValidate onSubmit={submit}>
      <h2>{t("lookup.title")}</h2>
      <p className="muted">{t("lookup.lead")}</p>
      <Field
        label={t("lookup.number")}
        name="number"
        inputMode="numeric"
        autoComplete="off"
        required
        maxLength={20}
        value={number}
        error={tried && wanted === undefined ? t("lookup.noNumber") : undefined}
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
      <button
        type="submit"
        className="button button--primary button--wide"
        data-testid="lookup-submit"
        disabled={isPending}
      >
        {t("lookup.submit")}
      </button>
      {isSuccess && (
        <p className="note" role="status" data-testid="lookup-sent">
          {t("lookup.sent")}
        </p>
      )}
    </form>
  );
}
