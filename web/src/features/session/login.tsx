import { useMutation, useQuery } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { login } from "../../api/auth";
import { Problem } from "../../api/problem";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { PlaceLink } from "../../ui/place-link";
import { useSessionStore } from "./session";

/** Asks who is there; whoever shows it is shown again once the session is stored. */
export function LoginForm({ lead }: { lead: string }) {
  const { t } = useText();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useSessionStore((state) => state.signIn);
  const attempt = useMutation({
    mutationFn: () => login(email.trim(), password),
    onSuccess: (answer) => signIn(answer, Date.now()),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  const { data: config } = useQuery(configQuery);
  const refused = attempt.error instanceof Problem && attempt.error.status === 401;
  return (
    <form className="card login" onSubmit={submit} aria-label={t("login.title")}>
      <p className="muted">{lead}</p>
      <Field
        label={t("field.email")}
        name="email"
        type="email"
        autoComplete="username"
        required
        value={email}
        data-testid="login-email"
        onChange={({ target }) => setEmail(target.value)}
      />
      <Field
        label={t("field.password")}
        name="password"
        type="password"
        autoComplete="current-password"
        required
        value={password}
        data-testid="login-password"
        onChange={({ target }) => setPassword(target.value)}
      />
      {attempt.error && <ProblemNote error={refused ? new Error(t("login.refused")) : attempt.error} />}
      <Button
        type="submit"
        className="button button--primary button--wide"
        data-testid="login-submit"
        busy={attempt.isPending}
      >
        {attempt.isPending ? t("login.busy") : t("login.submit")}
      </Button>
      {config?.sendsMail && <PlaceLink href="/forgot">{t("forgot.question")}</PlaceLink>}
    </form>
  );
}
