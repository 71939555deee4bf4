import { type SyntheticEvent, useState } from "react";
import type { Service } from "../../api/bookings";
import { useText } from "../../i18n/text";
import { PaymentFields } from "../../payment/payment-fields";
import { useCustomer } from "../../stores/customer";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { SlotPicker, type Chosen } from "./slot-picker";
import { useBook } from "./use-book";

const NOTE_MAX = 1_000;

/** When, with whom, for whom, and how it is paid. */
export function BookForm({ service, zone }: { service: Service; zone: string }) {
  const { t, money } = useText();
  const [chosen, setChosen] = useState<Chosen>();
  const [note, setNote] = useState("");
  const { customer, setCustomer } = useCustomer();
  const { book, error, isPending } = useBook(service);
  const wrongField = error?.field;
  const isFree = error?.body.nearest === undefined;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (chosen) book({ ...chosen, note: note.trim(), customer });
  };
  return (
    <form className="card book-form" onSubmit={submit}>
      <SlotPicker service={service} zone={zone} chosen={chosen} onChoose={setChosen} />
      <fieldset>
        <legend>{t("checkout.you")}</legend>
        <div className="field-pair">
          {(["name", "email", "mobile"] as const).map((field) => (
            <Field
              key={field}
              label={t(`field.${field}`)}
              name={`customerInfo.${field}`}
              type={TYPES[field]}
              autoComplete={field === "mobile" ? "tel" : field}
              required
              value={customer[field]}
              error={wrongField === `customerInfo.${field}` ? t(FAULTS[field]) : undefined}
              onChange={({ target }) => setCustomer({ [field]: target.value })}
            />
          ))}
        </div>
        <Field
          label={t("bookings.note")}
          name="note"
          maxLength={NOTE_MAX}
          value={note}
          hint={t("book.noteHint")}
          onChange={({ target }) => setNote(target.value)}
        />
      </fieldset>
      <PaymentFields />
      {error && !wrongField?.startsWith("customerInfo.") && (
        <ProblemNote error={isFree ? error : new Error(t("book.taken"))} />
      )}
      <Button
        type="submit"
        className="button button--primary button--wide"
        data-testid="book-submit"
        busy={isPending}
        disabled={chosen === undefined}
      >
        {chosen === undefined
          ? t("book.chooseTime")
          : t("book.submit", { total: money(service.price, service.currency) })}
      </Button>
    </form>
  );
}

const TYPES = { name: "text", email: "email", mobile: "tel" } as const;
const FAULTS = { name: "fault.other", email: "fault.email", mobile: "fault.mobile" } as const;
