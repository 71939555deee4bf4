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
        <LoginForm lead={t("admin.signInLead")} />
      </Shell>
    );
  }
  if (!isStaff(session)) return <NotStaff />;
  // Another person is another board: nothing of the one before may stay on it.
  return <LiveBoard key={session.user.id} session={session} />;
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
