import { Redirect } from "wouter";
import { useText } from "../../../i18n/text";
import { Shell } from "../../../ui/shell";
import { homeOf } from "../../session/home-of";
import { LoginForm } from "../../session/login";
import { isStaff, useSession } from "../../session/session";
import { Kitchen } from "./kitchen";
import "../admin.css";
import "./kitchen.css";

export default function KitchenPage() {
  const { t } = useText();
  const session = useSession();
  if (session === null)
    return (
      <Shell title={t("kitchen.title")}>
        <LoginForm lead={t("admin.signInLead")} />
      </Shell>
    );
  if (!isStaff(session)) return <Redirect to={homeOf(session.user.role)} replace />;
  // Another person's presses are not this one's.
  return <Kitchen key={session.user.id} session={session} />;
}
