import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { type Booking, bookingQuery, saveCalendarFile } from "../../api/bookings";
import { serviceName } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { BookingBadges } from "../../ui/booking-badges";
import { ChatLink } from "../../ui/chat-link";
import { Dialog } from "../../ui/dialog";
import { Loading, ProblemNote } from "../../ui/notes";
import { currentToken } from "../session/session";
import { BookingMoves } from "./booking-moves";
import { useCalendar } from "./calendar-context";
import { mayMove } from "./moves";
import { RescheduleForm } from "./reschedule-form";

interface BookingPanelProps {
  id: string;
  onClose: () => void;
}

/** One booking: for whom, when, what may become of it; and why it cannot be shown, where it cannot. */
export function BookingPanel({ id, onClose }: BookingPanelProps) {
  const { t, locale } = useText();
  const { diary, live } = useCalendar();
  const queries = useQueryClient();
  const shown = useStore(diary.store, () => diary.get(id));
  // Of another day than the ones that are shown, or of nobody's.
  const query = useQuery({ ...bookingQuery(id, currentToken), enabled: shown === undefined });
  useEffect(() => {
    // What is in the diary is kept true there; a query that nobody needs is not asked.
    const anew = () => void queries.invalidateQueries({ queryKey: ["booking", id] });
    const stops = [live.on("booking_update", anew), live.on("ready", anew), live.onGap(anew)];
    return () => stops.forEach((stop) => stop());
  }, [live, queries, id]);
  const booking = shown ?? query.data;
  const title = booking
    ? t("bookings.one", { number: String(booking.number), service: serviceName(booking, locale) })
    : t("bookings.title");
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="booking-panel" data-testid="booking-panel">
        {booking ? (
          <Opened booking={booking} refresh={() => void query.refetch()} />
        ) : query.error ? (
          <ProblemNote error={query.error} />
        ) : (
          <Loading cards={1} />
        )}
        <div className="dialog-actions">
          <button type="button" className="button" data-testid="booking-close" onClick={onClose}>
            {t("bookings.close")}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function Opened({ booking, refresh }: { booking: Booking; refresh: () => void }) {
  const { t, dateTime, time, money } = useText();
  const { zone, flow, session, diary } = useCalendar();
  const [moving, setMoving] = useState(false);
  const { name, email, mobile } = booking.customerInfo;
  const changed = (answer: Booking) => {
    diary.put(answer);
    refresh();
  };
  return (
    <>
      <BookingBadges booking={booking} />
      <dl className="booking-facts">
        <dt>{t("bookings.when")}</dt>
        <dd data-testid="booking-when">
          {dateTime(booking.startsAt, zone)} – {time(booking.endsAt, zone)}
        </dd>
        <dt>{t("chat.carer")}</dt>
        <dd>{booking.carerName ?? booking.carerId}</dd>
        <dt>{t("chat.customer")}</dt>
        <dd>
          {name ?? t("order.unnamed")}
          {mobile !== null && <a href={`tel:${mobile}`}>{mobile}</a>}
          {email !== null && <a href={`mailto:${email}`}>{email}</a>}
        </dd>
        <dt>{t("bookings.price")}</dt>
        <dd>{money(booking.total, booking.currency)}</dd>
        {booking.note !== null && booking.note !== "" && (
          <>
            <dt>{t("bookings.note")}</dt>
            <dd className="booking-note">{booking.note}</dd>
          </>
        )}
      </dl>
      <p className="booking-links">
        <ChatLink about={booking.id} className="button button--small" />
        <CalendarFile booking={booking} />
        {mayMove(flow, booking, session.user.role) && (
          <button
            type="button"
            className="button button--small"
            aria-expanded={moving}
            data-testid="reschedule-open"
            onClick={() => setMoving(!moving)}
          >
            {t("bookings.reschedule")}
          </button>
        )}
      </p>
      {moving && <RescheduleForm key={booking.version} booking={booking} onDone={() => setMoving(false)} />}
      <BookingMoves booking={booking} onChanged={changed} />
    </>
  );
}

function CalendarFile({ booking }: { booking: Booking }) {
  const { t } = useText();
  const save = useMutation({ mutationFn: () => saveCalendarFile(booking, currentToken()) });
  return (
    <>
      <button
        type="button"
        className="button button--small"
        data-testid="calendar-file"
        onClick={() => save.mutate()}
      >
        {t("bookings.calendarFile")}
      </button>
      {save.error && <ProblemNote error={save.error} />}
    </>
  );
}
