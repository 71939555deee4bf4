import { useParams, useSearchParams } from "wouter";
import { useText } from "../../i18n/text";
import { DeviceSwitch } from "../../push/device-switch";
import { ChatLink } from "../../ui/chat-link";
import { Connection } from "../../ui/connection";
import { Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { LoginForm } from "../session/login";
import { useSession } from "../session/session";
import { useRenewal } from "../session/use-renewal";
import { tokenFromVisit } from "../../stores/bank-visit";
import { Confirmation } from "./confirmation";
import { DeliveryNote } from "./delivery";
import { Events } from "./events";
import { PayAgain } from "./pay-again";
import { Summary } from "./summary";
import { Timeline } from "./timeline";
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
  return <TrackedOrder key={`${id} ${token}`} id={id} token={token} trackingToken={trackingToken} />;
}

interface TrackedOrderProps {
  id: string;
  token: string;
  trackingToken: string | undefined;
}

function TrackedOrder({ id, token, trackingToken }: TrackedOrderProps) {
  const { t } = useText();
  const { order, history, error, reload, live, snapshot } = useTrackedOrder(id, token);
  const title = order ? t("track.order", { number: String(order.number) }) : t("track.title");
  const tools = (
    <>
      {order && <ChatLink orderId={id} trackingToken={trackingToken} className="button" />}
      <Connection snapshot={snapshot} />
    </>
  );
  return (
    <Shell title={title} tools={tools}>
      {order && <Confirmation order={order} token={token} />}
      {error && <ProblemNote error={error} onRetry={reload} />}
      {!order && !error && <Loading cards={1} />}
      {order && (
        <div className="track">
          <Timeline order={order} history={history} />
          <DeviceSwitch token={token} />
          <DeliveryNote order={order} token={token} live={live} />
          <Summary order={order} />
          <PayAgain order={order} token={token} onPaid={reload} />
          <Events order={order} history={history} />
        </div>
      )}
    </Shell>
  );
}
