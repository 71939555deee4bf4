import { useMutation } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { login, register } from "../../api/auth";
import { Problem } from "../../api/problem";
import { problemWords } from "../../i18n/problem-words";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { useSessionStore } from "./session";

const FIELDS = ["name", "email", "password"] as const;
type Name = (typeof FIELDS)[number];
const LOOKS: Record<Name, { type: string; autoComplete: string; min?: number; max: number }> = {
  name: { type: "text", autoComplete: "name", max: 120 },
  email: { type: "email", autoComplete: "username", max: 254 },
  password: { type: "password", autoComplete: "new-password", min: 10, max: 128 },
};

/** Opens an account for a customer, and signs in with it. */
export function RegisterForm({ lead }: { lead: string }) {
  const text = useText();
  const { t } = text;
  const [values, setValues] = useState<Record<Name, string>>({ name: "", email: "", password: "" });
  const signIn = useSessionStore((state) => state.signIn);
  const attempt = useMutation({
    mutationFn: async () => {
      const [email, name] = [values.email.trim(), values.name.trim()];
      await register(name, email, values.password);
      return login(email, values.password);
    },
    onSuccess: (answer) => signIn(answer, Date.now()),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  const { error } = attempt;
  const atField = error instanceof Problem ? FIELDS.find((name) => name === error.field) : undefined;
  return (
    <form className="card login" onSubmit={submit} aria-label={t("register.title")}>
      <p className="muted">{lead}</p>
      {FIELDS.map((name) => (
        <Field
          key={name}
          label={t(`field.${name}`)}
          name={name}
          type={LOOKS[name].type}
          autoComplete={LOOKS[name].autoComplete}
          minLength={LOOKS[name].min}
          maxLength={LOOKS[name].max}
          required
          value={values[name]}
          data-testid={`register-${name}`}
          {...(name === "password" && { hint: t("register.passwordHint") })}
          error={error && atField === name ? problemWords(text, error) : undefined}
          onChange={({ target }) => setValues({ ...values, [name]: target.value })}
        />
      ))}
      {error && atField === undefined && <ProblemNote error={error} />}
      <Button
        type="submit"
        className="button button--primary button--wide"
        data-testid="register-submit"
        busy={attempt.isPending}
      >
        {attempt.isPending ? t("login.busy") : t("register.submit")}
      </Button>
    </form>
  );
}
