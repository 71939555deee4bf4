import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useRef } from "react";
import { Link } from "wouter";
import { useStore } from "zustand";
import { statusFlowQuery } from "../../../api/status-flow";
import { useText } from "../../../i18n/text";
import { Connection } from "../../../ui/connection";
import { fullScreen } from "../../../ui/full-screen";
import { Empty, Loading, ProblemNote } from "../../../ui/notes";
import { Shell } from "../../../ui/shell";
import type { Board } from "../board";
import { BoardContext } from "../board-context";
import { ClosedBar } from "../closed-bar";
import { useUsualMinutes } from "../preparation";
import { SoundSwitch } from "../sound-switch";
import { StateBanner, useLostSince } from "../state-banner";
import { UndoBar } from "../undo-bar";
import { useBoard } from "../use-board";
import { useAlarms, useArrivals } from "../use-sounds";
import type { Session } from "../../session/session";
import { recalledIn, useBumps } from "./bumps";
import { Ticket } from "./ticket";
import { toMake } from "./to-make";
import { useKitchenKeys } from "./use-kitchen-keys";

/** As many as anybody cooks at once; what waits longest is among them. */
const TICKETS_MAX = 24;
const COUNTS_MAX = 12;

/** The orders that are prepared, for those who prepare them: no money, no names, and one press to be done with one. */
export function Kitchen({ session }: { session: Session }) {
  const { t } = useText();
  const { board, feed, moves, notice, live, snapshot } = useBoard(session);
  const flow = useQuery(statusFlowQuery).data;
  const page = useRef<HTMLDivElement>(null);
  const recallLast = useBumps((state) => state.recall);
  const recall = useCallback(() => recallLast(board, moves), [recallLast, board, moves]);
  useKitchenKeys(page, recall);
  const lostSince = useLostSince(live);
  useAlarms(board, lostSince !== undefined);
  const announcement = useArrivals(feed);
  const hasBumped = useBumps(({ bumped }) => bumped.length > 0);
  const usualMinutes = useUsualMinutes();
  const value = useMemo(
    () => ({ session, board, feed, moves, notice, flow, usualMinutes }),
    [session, board, feed, moves, notice, flow, usualMinutes],
  );
  const tools = (
    <>
      <Connection snapshot={snapshot} />
      <SoundSwitch board={board} />
      <button
        type="button"
        className="button"
        aria-keyshortcuts="r"
        data-testid="recall"
        disabled={!hasBumped}
        onClick={recall}
      >
        {t("kitchen.recall")}
      </button>
      <button type="button" className="button kitchen-full" onClick={fullScreen}>
        {t("admin.fullScreen")}
      </button>
      <Link href="/admin" className="button">
        {t("kitchen.board")}
      </Link>
    </>
  );
  return (
    <Shell title={t("kitchen.title")} tools={tools} bar>
      <p className="visually-hidden" aria-live="polite">
        {announcement}
      </p>
      <StateBanner since={lostSince} />
      <ClosedBar live={live} />
      <div ref={page} className="board-page kitchen" data-stale={lostSince !== undefined || undefined}>
        <BoardContext value={value}>
          <Tickets board={board} onRetry={() => void feed.reload()} />
          <UndoBar />
        </BoardContext>
      </div>
    </Shell>
  );
}

function Tickets({ board, onRetry }: { board: Board; onRetry: () => void }) {
  const { t, number } = useText();
  const preparing = useStore(board.store, ({ stages }) => stages.preparing);
  const orders = useStore(board.store, (state) => state.orders);
  const loading = useStore(board.store, (state) => state.loading);
  const problem = useStore(board.store, (state) => state.problem);
  const recalled = useBumps((state) => state.recalled);
  const counts = useMemo(() => toMake(preparing), [preparing]);
  const shown = preparing.slice(0, TICKETS_MAX);
  const back = recalledIn(orders, recalled);
  if (loading && orders.size === 0) return <Loading cards={6} />;
  return (
    <>
      {problem && <ProblemNote error={problem} onRetry={onRetry} />}
      {counts.length > 0 && (
        <ul className="kitchen-counts" aria-label={t("kitchen.toMake")} data-testid="kitchen-counts">
          {counts.slice(0, COUNTS_MAX).map(({ name, count }) => (
            <li key={name}>
              <b>{number(count)}</b> {name}
            </li>
          ))}
        </ul>
      )}
      {shown.length + back.length === 0 ? (
        <Empty title={t("stageEmpty.preparing")}>
          <p className="muted">{t("kitchen.emptyHint")}</p>
        </Empty>
      ) : (
        <ul className="kitchen-tickets">
          {back.map((order) => (
            <Ticket key={order.id} order={order} recalled />
          ))}
          {shown.map((order) => (
            <Ticket key={order.id} order={order} recalled={false} />
          ))}
        </ul>
      )}
      {preparing.length > shown.length && (
        <p className="muted" role="status">
          {t("kitchen.more", { count: preparing.length - shown.length })}
        </p>
      )}
    </>
  );
}
