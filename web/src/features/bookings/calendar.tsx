import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import type { Booking } from "../../api/bookings";
import { statusFlowQuery } from "../../api/status-flow";
import { useText } from "../../i18n/text";
import { Connection } from "../../ui/connection";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import type { Session } from "../session/session";
import { BookingPanel } from "./booking-panel";
import { CalendarContext } from "./calendar-context";
import { DayView } from "./day-view";
import { GhostWords } from "./ghost";
import { RefusalNote } from "./refusal-note";
import { Toolbar } from "./toolbar";
import { useDiary } from "./use-diary";
import { usePlace } from "./use-place";
import { useRescheduling } from "./use-rescheduling";
import { WeekView } from "./week-view";

interface CalendarProps {
  session: Session;
  zone: string;
  openId: string | undefined;
}

export function Calendar({ session, zone, openId }: CalendarProps) {
  const { t } = useText();
  const place = usePlace(zone);
  const { view, day, days } = place;
  const [withOff, setWithOff] = useState(false);
  const { diary, feed, live, snapshot } = useDiary(session, days, zone);
  const { data: flow } = useQuery(statusFlowQuery);
  const { drop, ask, reset, error, wanted } = useRescheduling(diary, zone);
  const { show: openBooking, hide } = useOpened();
  const which = days.join(" ");
  const value = useMemo(
    () => ({ diary, live, zone, session, days: which.split(" "), flow, withOff, open: openBooking, drop }),
    [diary, live, zone, session, which, flow, withOff, openBooking, drop],
  );
  const { loading, problem, nobody } = useStore(
    diary.store,
    useShallow((state) => ({
      loading: state.loading && state.columns.length === 0,
      problem: state.problem,
      nobody: state.columns.length === 0,
    })),
  );
  const { show } = place;
  const showDay = useCallback((at: string) => show("day", at), [show]);
  const movable = flow?.bookingReschedule.some(({ roles }) => roles.includes(session.user.role));
  return (
    <Shell title={t("bookings.title")} tools={<Connection snapshot={snapshot} />} wide>
      <CalendarContext value={value}>
        <Toolbar place={place} zone={zone} withOff={withOff} onWithOff={setWithOff} />
        <GhostWords />
        {problem && <ProblemNote error={problem} onRetry={() => void feed.reload()} />}
        {error && wanted && <RefusalNote error={error} wanted={wanted} onTake={ask} onClose={reset} />}
        {loading && problem === undefined && <Loading cards={3} />}
        {!loading && nobody && problem === undefined && <Empty title={t("bookings.nobody")} />}
        {!nobody && (view === "week" ? <WeekView onDay={showDay} /> : <DayView key={day} day={day} />)}
        {movable && <p className="muted bookings-hint">{t("bookings.moveHint")}</p>}
        {openId !== undefined && <BookingPanel key={openId} id={openId} onClose={hide} />}
      </CalendarContext>
    </Shell>
  );
}

/** Which booking is open stands in the address, beside the days that are looked at. */
function useOpened() {
  const [, navigate] = useLocation();
  const search = useSearch();
  const at = useCallback(
    (path: string) => navigate(search === "" ? path : `${path}?${search}`),
    [navigate, search],
  );
  const show = useCallback(({ id }: Booking) => at(`/bookings/${encodeURIComponent(id)}`), [at]);
  const hide = useCallback(() => at("/bookings"), [at]);
  return { show, hide };
}
