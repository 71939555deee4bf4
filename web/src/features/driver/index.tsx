import { Redirect } from "wouter";
import { useText } from "../../i18n/text";
import { Shell } from "../../ui/shell";
import { homeOf } from "../session/home-of";
import { LoginForm } from "../session/login";
import { useSession } from "../session/session";
import { Tasks } from "./tasks-page";
import "./driver.css";

/** `/driver`: what a driver has to bring, for a telephone in one hand, in the sun, on a bad connection. */
export default function DriverPage() {
  const { t } = useText();
  const session = useSession();
  if (session === null) {
    return (
      <Shell title={t("courier.signIn")}>
        <LoginForm lead={t("courier.signInLead")} />
      </Shell>
    );
  }
  if (session.user.role !== "driver") return <Redirect to={homeOf(session.user.role)} replace />;
  return <Tasks key={session.user.id} session={session} />;
}
