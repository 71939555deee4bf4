import { useMutation } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { resetPassword } from "../../api/auth";
import { Problem } from "../../api/problem";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { PlaceLink } from "../../ui/place-link";
import { Shell } from "../../ui/shell";
import { useSessionStore } from "../session/session";
import { useMailedToken } from "./mailed-token";

/** Where a mailed link leads by which another password is chosen. */
export default function ResetPage() {
  const { t } = useText();
  const token = useMailedToken();
  const [password, setPassword] = useState("");
  const forget = useSessionStore((state) => state.forget);
  const attempt = useMutation({
    mutationFn: () => resetPassword(token, password),
    onSuccess: forget, // what was signed in with the former password has ended
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  const { error } = attempt;
  const ofPassword = error instanceof Problem && error.field === "password";
  const isSpent = token === "" || (error instanceof Problem && error.field === "token");
  return (
    <Shell title={t("reset.title")}>
      {attempt.isSuccess && (
        <div className="note" role="status">
          <p>{t("reset.done")}</p>
          <PlaceLink href="/shop">{t("address.toShop")}</PlaceLink>
        </div>
      )}
      {!attempt.isSuccess && isSpent && (
        <div className="note note--bad" role="alert">
          <p>{t("address.linkSpent")}</p>
          <PlaceLink href="/forgot">{t("forgot.submit")}</PlaceLink>
        </div>
      )}
      {!attempt.isSuccess && !isSpent && (
        <form className="card login" onSubmit={submit} aria-label={t("reset.title")}>
          <p className="muted">{t("reset.lead")}</p>
          <Field
            label={t("field.newPassword")}
            name="password"
            type="password"
            autoComplete="new-password"
            minLength={10}
            maxLength={128}
            required
            value={password}
            data-testid="reset-password"
            hint={t("register.passwordHint")}
            error={ofPassword ? error.message : undefined}
            onChange={({ target }) => setPassword(target.value)}
          />
          {error && !ofPassword && <ProblemNote error={error} />}
          <Button
            type="submit"
            className="button button--primary button--wide"
            data-testid="reset-submit"
            busy={attempt.isPending}
          >
            {t("reset.submit")}
          </Button>
        </form>
      )}
    </Shell>
  );
}
