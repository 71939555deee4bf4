import { useQuery } from "@tanstack/react-query";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Empty } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { LoginForm } from "../session/login";
import { isStaff, useSession, useSessionStore } from "../session/session";
import { LiveBoard } from "./live-board";
import "./admin.css";

export default function AdminPage() {
  const { t } = useText();
  const session = useSession();
  if (session === null) {
    return (
      <Shell title={t("admin.signIn")}>
        <SignIn />
      </Shell>
    );
  }
  if (!isStaff(session)) return <NotStaff />;
  // Another person is another board: nothing of the one before may stay on it.
  return <LiveBoard key={session.user.id} session={session} />;
}

/** Nobody can sign up as an admin: who finds a shop without one is told where the first is made. */
function SignIn() {
  const { t } = useText();
  const config = useQuery(configQuery);
  return <LoginForm lead={t(config.data?.hasAdmin === false ? "admin.none" : "admin.signInLead")} />;
}

function NotStaff() {
  const { t } = useText();
  const signOut = useSessionStore((state) => state.signOut);
  return (
    <Shell title={t("admin.title")}>
      <Empty title={t("admin.notStaff")}>
        <button type="button" className="button" onClick={signOut}>
          {t("login.signOut")}
        </button>
      </Empty>
    </Shell>
  );
}
