import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import { configQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Connection } from "../../ui/connection";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { type Session, useSessionStore } from "../session/session";
import { Columns } from "./columns";
import { BoardContext } from "./board-context";
import { Filters } from "./filters";
import { KeysDialog } from "./keys-dialog";
import { listed } from "./stages";
import { Mismatches } from "./mismatches";
import { Notices } from "./notices";
import { SoundSwitch } from "./sound-switch";
import { StateBanner, useLostSince } from "./state-banner";
import { StatsStrip } from "./stats-strip";
import { useArrivals } from "./use-arrivals";
import { useBoard } from "./use-board";
import { useKeys } from "./use-keys";
import { useShown } from "./use-shown";
import { useUnseen } from "./use-unseen";

/** The board of one signed-in member of staff: who is connected, what to show, and the orders. */
export function LiveBoard({ session }: { session: Session }) {
  const { t } = useText();
  const { board, feed, notice, live, snapshot } = useBoard();
  const { orders, fresh, loading, problem, nextCursor } = useStore(board.store);
  const [shown, setShown] = useShown();
  const [helping, setHelping] = useState(false);
  const page = useRef<HTMLDivElement>(null);
  useKeys(
    page,
    useCallback(() => setHelping(true), []),
  );
  const lostSince = useLostSince(live);
  const announcement = useArrivals(feed);
  const alarm = useUnseen(live, board);
  const signOut = useSessionStore((state) => state.signOut);
  const value = useMemo(() => ({ session, board, feed, notice }), [session, board, feed, notice]);

  const all = useMemo(() => [...orders.values()], [orders]);
  const stages = useMemo(() => listed(all, shown), [all, shown]);
  const searching = shown.words.trim() !== "";
  const noMatch = searching && stages.every((stage) => stage.orders.length === 0);
  const waiting = all.filter((order) => order.status === "pending").length;
  const tools = (
    <>
      <Connection snapshot={snapshot} />
      <Notices live={live} />
      <SoundSwitch />
      <button type="button" className="button" onClick={signOut}>
        {t("login.signOut")}
      </button>
    </>
  );
  return (
    <Shell
      title={t("admin.title")}
      tabTitle={waiting > 0 ? `(${waiting}) ${t("admin.title")}` : t("admin.title")}
      lead={t("admin.lead", { name: session.user.name })}
      tools={tools}
      wide
    >
      <p className="visually-hidden" aria-live="polite">
        {announcement}
      </p>
      <p className="visually-hidden" aria-live="assertive" data-testid="unseen">
        {alarm}
      </p>
      <SandboxNotice />
      <StatsStrip live={live} />
      <StateBanner since={lostSince} />
      <div ref={page} data-stale={lostSince !== undefined || undefined}>
        <Filters orders={all} shown={shown} onChange={setShown} onHelp={() => setHelping(true)} />
        {helping && <KeysDialog onClose={() => setHelping(false)} />}
        {problem && <ProblemNote error={problem} onRetry={() => void feed.reload()} />}
        <BoardContext value={value}>
          <Mismatches live={live} />
          <Orders none={all.length === 0} loading={loading} failed={problem !== undefined}>
            {noMatch ? (
              <NoMatch words={shown.words.trim()} onClear={() => setShown({ stage: "all", words: "" })} />
            ) : (
              <Columns stages={stages} fresh={fresh} searching={searching} />
            )}
          </Orders>
        </BoardContext>
      </div>
      {nextCursor !== null && (
        <button
          type="button"
          className="button older"
          disabled={loading}
          onClick={() => void feed.loadOlder()}
        >
          {t("admin.older")}
        </button>
      )}
    </Shell>
  );
}

/** Said on every board while the sandbox takes card payments: an order that is paid so has brought in nothing. */
function SandboxNotice() {
  const { t } = useText();
  const config = useQuery(configQuery);
  if (config.data?.paymentProvider !== "sandbox") return null;
  return (
    <p className="note" role="note" data-testid="sandbox-notice">
      {t("payment.noMoney")}
    </p>
  );
}

function NoMatch({ words, onClear }: { words: string; onClear: () => void }) {
  const { t } = useText();
  return (
    <div role="status" data-testid="no-match">
      <Empty title={t("admin.noMatch", { words })}>
        <p className="muted">{t("admin.noMatchHint")}</p>
        <button type="button" className="button" onClick={onClear}>
          {t("admin.clear")}
        </button>
      </Empty>
    </div>
  );
}

interface OrdersProps {
  none: boolean;
  loading: boolean;
  failed: boolean;
  children: ReactNode;
}

/** The columns, or what stands in their place while there is nothing for them. */
function Orders({ none, loading, failed, children }: OrdersProps) {
  const { t } = useText();
  if (!none) return children;
  if (loading) return <Loading cards={6} />;
  if (failed) return null;
  return (
    <Empty title={t("admin.empty")}>
      <p className="muted">{t("admin.emptyHint")}</p>
    </Empty>
  );
}
