import type { Live, Order } from "@ordercast/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { statusFlowQuery } from "../../api/status-flow";
import { useText } from "../../i18n/text";
import { useLive } from "../../live/use-live";
import { Connection } from "../../ui/connection";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { currentToken, type Session, useSessionStore } from "../session/session";
import { useLastingSession } from "../session/use-lasting-session";
import { Duty } from "./duty";
import { TapSender } from "./tap-sender";
import { useTaps } from "./taps";
import { TaskCard } from "./task-card";
import { tasksOf, tasksQuery } from "./tasks";

export function Tasks({ session }: { session: Session }) {
  const { t } = useText();
  const driverId = session.user.id;
  const { live, snapshot } = useLive(currentToken);
  useLastingSession(live, snapshot);
  useTaskNews(live, driverId);
  const taps = useTaps((state) => state.taps);
  const found = useQuery(tasksQuery(driverId));
  const flow = useQuery(statusFlowQuery);
  const signOut = useSessionStore((state) => state.signOut);
  const tasks = tasksOf(found.data ?? [], taps);
  const waiting = taps.filter((tap) => tap.driverId === driverId && tap.refusal === undefined).length;
  const tools = (
    <>
      <Connection snapshot={snapshot} />
      <button type="button" className="button" onClick={signOut}>
        {t("login.signOut")}
      </button>
    </>
  );
  return (
    <Shell title={t("courier.title")} lead={t("admin.lead", { name: session.user.name })} tools={tools}>
      <Duty live={live} driverId={driverId} />
      {waiting > 0 && (
        <p className="note" role="status" data-testid="taps-waiting">
          {t("courier.waiting", { count: waiting })}
        </p>
      )}
      {found.error && <ProblemNote error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Loading cards={1} />}
      {found.data && tasks.length === 0 && (
        <Empty title={t("courier.nothing")}>
          <p className="muted">{t("courier.nothingHint")}</p>
        </Empty>
      )}
      <ol className="tasks" aria-label={t("courier.title")}>
        {tasks.map((task, place) => (
          <TaskCard
            key={task.order.id}
            task={task}
            isNext={place === 0}
            flow={flow.data}
            driverId={driverId}
          />
        ))}
      </ol>
    </Shell>
  );
}

/** Keeps the tasks true to what is heard, and sends what was tapped. */
function useTaskNews(live: Live, driverId: string): void {
  const queries = useQueryClient();
  useEffect(() => {
    const { queryKey } = tasksQuery(driverId);
    const refetch = () => void queries.invalidateQueries({ queryKey });
    const moved = (order: Order) =>
      queries.setQueryData(queryKey, (tasks) => tasks?.map((each) => (each.id === order.id ? order : each)));
    const stops = [
      // Places for the moment come without a position in the feed; they change no task.
      live.on("delivery_update", (_told, position) => position !== undefined && refetch()),
      live.on("ready", refetch),
      live.onGap(refetch),
      new TapSender(live, driverId, moved, refetch).start(),
    ];
    return () => stops.forEach((stop) => stop());
  }, [live, queries, driverId]);
}
