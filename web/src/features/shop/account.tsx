import { useEffect, useState } from "react";
import { useText } from "../../i18n/text";
import { useCustomer } from "../../stores/customer";
import { usePayment } from "../../stores/payment";
import { NotificationSettings } from "../../push/settings";
import { Dialog } from "../../ui/dialog";
import { LoginForm } from "../session/login";
import { RegisterForm } from "../session/register";
import { type Session, useSession, useSessionStore } from "../session/session";
import { useRenewal } from "../session/use-renewal";
import { Unconfirmed } from "./unconfirmed";

/** Who is buying: nobody needs an account, but one keeps cards and orders together. */
export function Account() {
  const { t } = useText();
  const session = useSession();
  const [asking, setAsking] = useState(false);
  useRenewal();
  useOwnDetails(session);
  if (session !== null) return <SignedIn session={session} />;
  return (
    <>
      <button type="button" className="button" data-testid="account-open" onClick={() => setAsking(true)}>
        {t("login.title")}
      </button>
      {asking && <SignInDialog onClose={() => setAsking(false)} />}
    </>
  );
}

function SignedIn({ session }: { session: Session }) {
  const { t } = useText();
  const signOut = useSessionStore((state) => state.signOut);
  const { name, role } = session.user;
  return (
    <>
      <span className="account-name" data-testid="account-name">
        {t(role === "customer" ? "account.customer" : "account.staff", { name })}
      </span>
      {role === "customer" && <Unconfirmed session={session} />}
      <NotificationSettings token={session.token} />
      <button
        type="button"
        className="button"
        onClick={() => {
          // Their cards go with them.
          usePayment.getState().reset();
          signOut();
        }}
      >
        {t("login.signOut")}
      </button>
    </>
  );
}

function SignInDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const [isNew, setNew] = useState(false);
  return (
    <Dialog title={isNew ? t("register.title") : t("login.title")} onClose={onClose}>
      {isNew ? <RegisterForm lead={t("register.lead")} /> : <LoginForm lead={t("account.lead")} />}
      <div className="dialog-actions">
        <button
          type="button"
          className="button button--quiet"
          data-testid="account-switch"
          onClick={() => setNew(!isNew)}
        >
          {isNew ? t("account.haveOne") : t("account.haveNone")}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {t("reason.back")}
        </button>
      </div>
    </Dialog>
  );
}

/** A customer's name and address need not be typed again; what was typed stays. */
function useOwnDetails(session: Session | null): void {
  const user = session?.user.role === "customer" ? session.user : undefined;
  useEffect(() => {
    if (user === undefined) return;
    const { customer, setCustomer } = useCustomer.getState();
    setCustomer({ name: customer.name || user.name, email: customer.email || user.email });
  }, [user]);
}
