import { useText } from "../../i18n/text";
import { Shell } from "../../ui/shell";
import { homeOf } from "../session/home-of";
import { LoginForm } from "../session/login";
import { type Session, useSession } from "../session/session";
import { CallShop } from "../../ui/call-shop";
import { PlaceLink } from "../../ui/place-link";
import { FindOrder } from "./find-order";
import { OwnOrders } from "./own-orders";
import "./orders.css";

/** One's own orders; for whoever has no account, the way back to one of them. */
export default function OrdersPage() {
  const { t } = useText();
  const session = useSession();
  if (session?.user.role === "customer") return <OwnOrders />;
  return (
    <Shell title={t("orders.title")} lead={t("orders.lead")} tools={<CallShop />}>
      <div className="orders-doors">
        <FindOrder />
        {session === null ? <LoginForm lead={t("orders.signInLead")} /> : <Elsewhere session={session} />}
      </div>
    </Shell>
  );
}

/** Who works here has their orders at another place. */
function Elsewhere({ session }: { session: Session }) {
  const { t } = useText();
  return (
    <p className="card orders-elsewhere">
      {t("orders.elsewhere", { name: session.user.name })}{" "}
      <PlaceLink href={homeOf(session.user.role)}>{t("orders.toWork")}</PlaceLink>
    </p>
  );
}
