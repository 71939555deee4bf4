import { Redirect, useLocation, useParams } from "wouter";
import { useText } from "../../i18n/text";
import { Shell } from "../../ui/shell";
import { homeOf } from "../session/home-of";
import { LoginForm } from "../session/login";
import { isStaff, useSession } from "../session/session";
import { Archive } from "./archive";
import { Drawer, OrderDrawer } from "../../order/order-drawer";

/** `/admin/orders`: every order that the shop ever had; `/admin/orders/:id` opens one of them. */
export default function ArchivePage() {
  const { t } = useText();
  const session = useSession();
  const { id } = useParams<{ id?: string }>();
  const [, navigate] = useLocation();
  if (session === null) {
    return (
      <Shell title={t("admin.signIn")}>
        <LoginForm lead={t("admin.signInLead")} />
      </Shell>
    );
  }
  if (!isStaff(session)) return <Redirect to={homeOf(session.user.role)} replace />;
  return (
    <>
      <Archive key={session.user.id} session={session} />
      {id === undefined ? (
        <OrderDrawer />
      ) : (
        <Drawer key={id} id={id} onClose={() => navigate("/admin/orders", { replace: true })} />
      )}
    </>
  );
}
