import { useParams, useSearchParams } from "wouter";
import { Problem } from "../../api/problem";
import { useText } from "../../i18n/text";
import { DeviceSwitch } from "../../push/device-switch";
import { ChatLink } from "../../ui/chat-link";
import { Connection } from "../../ui/connection";
import { Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { LoginForm } from "../session/login";
import { isStaff, useSession } from "../session/session";
import { useRenewal } from "../session/use-renewal";
import { tokenFromVisit } from "../../stores/bank-visit";
import { Actions } from "./actions";
import { Confirmation } from "./confirmation";
import { DeliveryNote } from "./delivery";
import { Events } from "./events";
import { PayAgain } from "./pay-again";
import { Summary } from "./summary";
import { Timeline } from "./timeline";
import { useDelivery } from "./use-delivery";
import { useTrackedOrder } from "./use-tracked-order";
import "./track.css";

export default function TrackPage() {
  const { t } = useText();
  const { id } = useParams<{ id: string }>();
  const [query] = useSearchParams();
  const session = useSession();
  useRenewal();
  const trackingToken = query.get("token") ?? tokenFromVisit(id);
  const token = trackingToken ?? session?.token;
  if (token === undefined) {
    return (
      <Shell title={t("track.title")}>
        <LoginForm lead={t("track.signInLead")} />
      </Shell>
    );
  }
  const isBuyers = trackingToken !== undefined || (session !== null && !isStaff(session));
  return (
    <TrackedOrder
      key={`${id} ${token}`}
      id={id}
      token={token}
      trackingToken={trackingToken}
      isBuyers={isBuyers}
    />
  );
}

interface TrackedOrderProps {
  id: string;
  token: string;
  trackingToken: string | undefined;
  isBuyers: boolean;
}

function TrackedOrder({ id, token, trackingToken, isBuyers }: TrackedOrderProps) {
  const { t } = useText();
  const { order, history, error, reload, live, snapshot } = useTrackedOrder(id, token);
  const delivery = useDelivery(order, token, live);
  const title = order ? t("track.order", { number: String(order.number) }) : t("track.title");
  // Of a link that opens nothing there is nothing to be connected to.
  const tools = order && (
    <>
      <ChatLink about={id} trackingToken={trackingToken} className="button" />
      <Connection snapshot={snapshot} />
    </>
  );
  const refused = refusalOf(error);
  return (
    <Shell title={title} tools={tools}>
      {order && <Confirmation order={order} token={token} />}
      {error &&
        (refused ? (
          <ProblemNote error={new Error(t(refused))} />
        ) : (
          <ProblemNote error={error} onRetry={reload} />
        ))}
      {!order && !error && <Loading cards={1} />}
      {order && (
        <div className="track">
          <div className="track-main">
            <Timeline order={order} history={history} delivery={delivery} />
            <DeliveryNote order={order} delivery={delivery} history={history} />
            <Summary order={order} />
          </div>
          <div className="track-side">
            <Actions order={order} token={token} isBuyers={isBuyers} onChanged={reload} />
            <DeviceSwitch token={token} />
            <PayAgain order={order} token={token} onPaid={reload} />
            <Events order={order} history={history} />
          </div>
        </div>
      )}
    </Shell>
  );
}

/** What is wrong with the link, in the page's language; undefined for what may be better the next time. */
function refusalOf(error: Error | null) {
  if (!(error instanceof Problem)) return undefined;
  if (error.status === 404) return "track.linkWrong";
  if (error.status !== 401) return undefined;
  return error.body.code === "token_expired" || error.body.code === "token_revoked"
    ? "track.linkEnded"
    : "track.linkWrong";
}
