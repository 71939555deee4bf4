import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { configQuery } from "../../api/shop";
import { statusFlowQuery } from "../../api/status-flow";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Connection } from "../../ui/connection";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import type { Session } from "../session/session";
import type { Board } from "./board";
import { BoardContext } from "./board-context";
import type { BoardFeed } from "./board-feed";
import { BoardMenu } from "./board-menu";
import { ClosedBar } from "./closed-bar";
import { Columns } from "./columns";
import { Filters } from "./filters";
import { HoursDialog } from "./hours-dialog";
import { KeysDialog } from "./keys-dialog";
import { Mismatches } from "./mismatches";
import { Notices } from "./notices";
import { PauseDialog } from "./pause-dialog";
import { useUsualMinutes } from "./preparation";
import { useBoardSettings } from "./settings";
import { SettingsDialog } from "./settings-dialog";
import { SoldOutDialog } from "./sold-out-dialog";
import { SoundSwitch } from "./sound-switch";
import type { Shown } from "./stages";
import { StateBanner, useLostSince } from "./state-banner";
import { StatsStrip } from "./stats-strip";
import { UndoBar, undoableOf } from "./undo-bar";
import { useBoard } from "./use-board";
import { useKeys } from "./use-keys";
import { useShown } from "./use-shown";
import { useAlarms, useArrivals } from "./use-sounds";
import { useStages } from "./use-stages";
import { useUnseen } from "./use-unseen";

type Asked = "keys" | "settings" | "pause" | "hours" | "soldOut" | undefined;

/** The board of one signed-in member of staff: who is connected, what to show, and the orders. */
export function LiveBoard({ session }: { session: Session }) {
  const { board, feed, moves, notice, live, snapshot } = useBoard(session);
  const flow = useQuery(statusFlowQuery).data;
  const [asked, setAsked] = useState<Asked>();
  const compact = useBoardSettings((state) => state.compact);
  const page = useRef<HTMLDivElement>(null);
  const keys = useMemo(
    () => ({
      onHelp: () => setAsked("keys"),
      onUndo: () => {
        const last = undoableOf(board.store.getState().moves).at(-1);
        if (last !== undefined) moves.undo(last.orderId);
      },
    }),
    [board, moves],
  );
  useKeys(page, keys);
  const lostSince = useLostSince(live);
  useAlarms(board, lostSince !== undefined);
  const announcement = useArrivals(feed);
  const alarm = useUnseen(live, board);
  const usualMinutes = useUsualMinutes();
  const value = useMemo(
    () => ({ session, board, feed, moves, notice, flow, usualMinutes }),
    [session, board, feed, moves, notice, flow, usualMinutes],
  );
  const close = useCallback(() => setAsked(undefined), []);
  const tools = (
    <>
      <Connection snapshot={snapshot} />
      <SoundSwitch board={board} />
      <Notices live={live} />
      <BoardMenu
        onSettings={() => setAsked("settings")}
        onKeys={() => setAsked("keys")}
        onPause={() => setAsked("pause")}
        onHours={() => setAsked("hours")}
        onSoldOut={() => setAsked("soldOut")}
      />
    </>
  );
  return (
    <Frame board={board} tools={tools}>
      <p className="visually-hidden" aria-live="polite">
        {announcement}
      </p>
      <p className="visually-hidden" aria-live="assertive" data-testid="unseen">
        {alarm}
      </p>
      <StateBanner since={lostSince} />
      <ClosedBar live={live} />
      <SandboxNotice />
      <StatsStrip live={live} />
      <div
        ref={page}
        className="board-page"
        data-stale={lostSince !== undefined || undefined}
        data-compact={compact || undefined}
      >
        {asked === "keys" && <KeysDialog onClose={close} />}
        {asked === "settings" && <SettingsDialog onClose={close} />}
        {asked === "pause" && <PauseDialog onClose={close} />}
        {asked === "hours" && <HoursDialog onClose={close} />}
        {asked === "soldOut" && <SoldOutDialog onClose={close} />}
        <BoardContext value={value}>
          <Searched board={board} feed={feed}>
            <Mismatches live={live} />
          </Searched>
          <UndoBar />
        </BoardContext>
      </div>
    </Frame>
  );
}

interface FrameProps {
  board: Board;
  tools: ReactNode;
  children: ReactNode;
}

/** The page's frame, whose tab says how many orders wait: apart, so that another number is nothing to what is in it. */
function Frame({ board, tools, children }: FrameProps) {
  const { t } = useText();
  const waiting = useStore(board.store, ({ stages }) =>
    stages.new.reduce((sum, { status }) => sum + (status === "pending" ? 1 : 0), 0),
  );
  const title = t("admin.title");
  return (
    <Shell title={title} tabTitle={waiting > 0 ? `(${waiting}) ${title}` : title} tools={tools} bar>
      {children}
    </Shell>
  );
}

/** KeyedText on every board while the sandbox takes card payments: an order that is paid so has brought in nothing. */
function SandboxNotice() {
  const { t } = useText();
  const config = useQuery(configQuery);
  if (config.data?.paymentProvider !== "sandbox") return null;
  return (
    <p className="note note--small" role="note" data-testid="sandbox-notice">
      {t("payment.noMoney")}
    </p>
  );
}

interface SearchedProps {
  board: Board;
  feed: BoardFeed;
  /** What stands above the orders. */
  children: ReactNode;
}

/** What is looked for, and what is found: apart, so that a key of the search is nothing to the rest of the page. */
function Searched({ board, feed, children }: SearchedProps) {
  const [shown, setShown] = useShown();
  return (
    <>
      <Filters board={board} shown={shown} onChange={setShown} />
      {children}
      <Orders board={board} feed={feed} shown={shown} onClear={() => setShown({ stage: "all", words: "" })} />
    </>
  );
}

interface OrdersProps {
  board: Board;
  feed: BoardFeed;
  shown: Shown;
  onClear: () => void;
}

/** The columns, or what stands in their place; what could not be fetched; and what is older. */
function Orders({ board, feed, shown, onClear }: OrdersProps) {
  const { loading, problem, hasOlder, isEmpty, fresh } = useStore(
    board.store,
    useShallow((state) => ({
      loading: state.loading,
      problem: state.problem,
      hasOlder: state.nextCursor !== null && !state.full,
      isEmpty: state.orders.size === 0,
      fresh: state.fresh,
    })),
  );
  const { stages, searching, none } = useStages(board, shown);
  return (
    <>
      {problem && <ProblemNote error={problem} onRetry={() => void feed.reload()} />}
      <Filled isEmpty={isEmpty} loading={loading} failed={problem !== undefined}>
        {none ? (
          <NoMatch words={shown.words.trim()} onClear={onClear} />
        ) : (
          <Columns stages={stages} fresh={fresh} searching={searching} />
        )}
      </Filled>
      {hasOlder && <Older loading={loading} onMore={() => void feed.loadOlder()} />}
    </>
  );
}

function Older({ loading, onMore }: { loading: boolean; onMore: () => void }) {
  const { t } = useText();
  return (
    <Button type="button" className="button older" busy={loading} onClick={onMore}>
      {t("admin.older")}
    </Button>
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

interface FilledProps {
  isEmpty: boolean;
  loading: boolean;
  failed: boolean;
  children: ReactNode;
}

/** What is shown of the orders, or what stands in its place while there are none. */
function Filled({ isEmpty, loading, failed, children }: FilledProps) {
  const { t } = useText();
  if (!isEmpty) return children;
  if (loading) return <Loading cards={6} />;
  if (failed) return null;
  return (
    <Empty title={t("admin.empty")}>
      <p className="muted">{t("admin.emptyHint")}</p>
    </Empty>
  );
}
