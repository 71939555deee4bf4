import { useQuery } from "@tanstack/react-query";
import { Redirect, useParams } from "wouter";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { homeOf } from "../session/home-of";
import { LoginForm } from "../session/login";
import { isStaff, useSession } from "../session/session";
import { Calendar } from "./calendar";
import "./bookings.css";

/** `/bookings`: the calendar of the shop's people and of each carer; `/bookings/:id` opens one booking in it. */
export default function BookingsPage() {
  const { t } = useText();
  const session = useSession();
  const { id } = useParams<{ id?: string }>();
  const config = useQuery(configQuery);
  if (session === null) {
    return (
      <Shell title={t("bookings.signIn")}>
        <LoginForm lead={t("bookings.signInLead")} />
      </Shell>
    );
  }
  if (!isStaff(session) && session.user.role !== "carer")
    return <Redirect to={homeOf(session.user.role)} replace />;
  if (config.data === undefined) {
    return (
      <Shell title={t("bookings.title")}>
        {config.error ? (
          <ProblemNote error={config.error} onRetry={() => void config.refetch()} />
        ) : (
          <Loading cards={3} />
        )}
      </Shell>
    );
  }
  return <Calendar key={session.user.id} session={session} zone={config.data.timeZone} openId={id} />;
}
