import { useQuery } from "@tanstack/react-query";
import { Redirect } from "wouter";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Shell } from "../../ui/shell";
import { OrderDrawer } from "../../order/order-drawer";
import { homeOf } from "../session/home-of";
import { LoginForm } from "../session/login";
import { isStaff, useSession } from "../session/session";
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
  // Whoever signs in here and does not belong here is led to where they do.
  if (!isStaff(session)) return <Redirect to={homeOf(session.user.role)} replace />;
  // Another person is another board: nothing of the one before may stay on it.
  return (
    <>
      <LiveBoard key={session.user.id} session={session} />
      <OrderDrawer />
    </>
  );
}

/** Nobody can sign up as an admin: who finds a shop without one is told where the first is made. */
function SignIn() {
  const { t } = useText();
  const config = useQuery(configQuery);
  return <LoginForm lead={t(config.data?.hasAdmin === false ? "admin.none" : "admin.signInLead")} />;
}
