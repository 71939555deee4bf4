import { useMutation, useQuery } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { forgotPassword } from "../../api/auth";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";

/** Asks whom a link to another password is to be mailed to; whether somebody has that address, it never says. */
export default function ForgotPage() {
  const { t } = useText();
  const { data: config } = useQuery(configQuery);
  return (
    <Shell title={t("forgot.title")}>
      {config?.sendsMail === false ? <p className="note">{t("forgot.noMail")}</p> : <ForgotForm />}
    </Shell>
  );
}

function ForgotForm() {
  const { t } = useText();
  const [email, setEmail] = useState("");
  const attempt = useMutation({ mutationFn: () => forgotPassword(email.trim()) });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  if (attempt.isSuccess) {
    return (
      <p className="note" role="status">
        {t("forgot.sent")}
      </p>
    );
  }
  return (
    <form className="card login" onSubmit={submit} aria-label={t("forgot.title")}>
      <p className="muted">{t("forgot.lead")}</p>
      <Field
        label={t("field.email")}
        name="email"
        type="email"
        autoComplete="username"
        maxLength={254}
        required
        value={email}
        data-testid="forgot-email"
        onChange={({ target }) => setEmail(target.value)}
      />
      {attempt.error && <ProblemNote error={attempt.error} />}
      <Button
        type="submit"
        className="button button--primary button--wide"
        data-testid="forgot-submit"
        busy={attempt.isPending}
      >
        {t("forgot.submit")}
      </Button>
    </form>
  );
}
