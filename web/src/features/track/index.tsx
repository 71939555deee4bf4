import { useParams, useSearchParams } from "wouter";
import { useText } from "../../i18n/text";
import { DeviceSwitch } from "../../push/device-switch";
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
  const token = query.get("token") ?? tokenFromVisit(id) ?? session?.token;
  if (token === undefined) {
    return (
      <Shell title={t("track.title")}>
        <LoginForm lead={t("track.signInLead")} />
      </Shell>
    );
  }
  return <TrackedOrder key={`${id} ${token}`} id={id} token={token} />;
}

function TrackedOrder({ id, token }: { id: string; token: string }) {
  const { t } = useText();
  const { order, history, error, reload, live, snapshot } = useTrackedOrder(id, token);
  const title = order ? t("track.order", { number: String(order.number) }) : t("track.title");
  return (
    <Shell title={title} tools={<Connection snapshot={snapshot} />}>
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
