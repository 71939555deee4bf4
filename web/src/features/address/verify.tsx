import { useMutation } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { claimOrders, login, verifyEmail } from "../../api/auth";
import { Problem } from "../../api/problem";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { ProblemNote } from "../../ui/notes";
import { PlaceLink } from "../../ui/place-link";
import { Shell } from "../../ui/shell";
import { useCustomerSession } from "../session/customer";
import { currentToken, useSessionStore } from "../session/session";
import { useMailedToken } from "./mailed-token";

/**
 * Where a mailed link leads by which an address is confirmed. Whoever is not signed in here types the password that they
 * registered with: the link alone would confirm what a stranger registered with this address.
 */
export default function VerifyPage() {
  const { t } = useText();
  const token = useMailedToken();
  const session = useCustomerSession();
  const [password, setPassword] = useState("");
  const [isAsked, setAsked] = useState(false);
  const signIn = useSessionStore((state) => state.signIn);
  const needsPassword = session === undefined || isAsked;
  const attempt = useMutation({
    mutationFn: async () => {
      const user = await verifyEmail(token, needsPassword ? { password } : { session: currentToken() });
      if (needsPassword) signIn(await login(user.email, password), Date.now());
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 401) setAsked(true); // somebody else is signed in here
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  const { error } = attempt;
  const isSpent = token === "" || (error instanceof Problem && error.field === "token");
  const isRefused = error instanceof Problem && error.status === 401;
  if (attempt.isSuccess) return <Verified />;
  return (
    <Shell title={t("verify.title")}>
      {isSpent && (
        <p className="note note--bad" role="alert">
          {t("address.linkSpent")}
        </p>
      )}
      {!isSpent && (
        <form className="card login" onSubmit={submit} aria-label={t("verify.title")}>
          <p className="muted">{t(needsPassword ? "verify.lead" : "verify.leadSignedIn")}</p>
          {needsPassword && (
            <Field
              label={t("field.password")}
              name="password"
              type="password"
              autoComplete="current-password"
              maxLength={1024}
              required
              value={password}
              data-testid="verify-password"
              onChange={({ target }) => setPassword(target.value)}
            />
          )}
          {error && <ProblemNote error={isRefused ? new Error(t("verify.refused")) : error} />}
          <Button
            type="submit"
            className="button button--primary button--wide"
            data-testid="verify-submit"
            busy={attempt.isPending}
          >
            {t("verify.submit")}
          </Button>
        </form>
      )}
    </Shell>
  );
}

function Verified() {
  const { t } = useText();
  const claim = useMutation({ mutationFn: () => claimOrders(currentToken() ?? "") });
  const count = claim.data?.orderIds.length;
  return (
    <Shell title={t("verify.doneTitle")}>
      <div className="card login">
        <p role="status" data-testid="verified">
          {t("verify.done")}
        </p>
        {count === undefined && (
          <Button
            type="button"
            className="button button--wide"
            data-testid="claim-orders"
            busy={claim.isPending}
            onClick={() => claim.mutate()}
          >
            {t("verify.claim")}
          </Button>
        )}
        {count !== undefined && (
          <p role="status">{t(count === 0 ? "verify.claimedNone" : "verify.claimed", { count })}</p>
        )}
        {claim.error && <ProblemNote error={claim.error} />}
        <PlaceLink href="/shop">{t("address.toShop")}</PlaceLink>
      </div>
    </Shell>
  );
}
