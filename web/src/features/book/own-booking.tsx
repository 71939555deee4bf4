import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useCallback, useEffect, useMemo, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { type Booking, bookingQuery, cancelBooking, saveCalendarFile } from "../../api/bookings";
import { IdempotencyKey } from "../../api/idempotency-key";
import { serviceName } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { useLive } from "../../live/use-live";
import { tokenFromVisit } from "../../stores/bank-visit";
import { Button } from "../../ui/button";
import { BookingBadges } from "../../ui/booking-badges";
import { ChatLink } from "../../ui/chat-link";
import { useNow_ms } from "../../ui/clock";
import { Connection } from "../../ui/connection";
import { Dialog } from "../../ui/dialog";
import { Loading, ProblemNote } from "../../ui/notes";
import { ReasonField } from "../../ui/reason-field";
import { Shell } from "../../ui/shell";
import { LoginForm } from "../session/login";
import { currentToken, useSession } from "../session/session";

/** What was booked, as it stands now: for its guest by their link, and for whoever is signed in. */
export function OwnBooking({ id, zone }: { id: string; zone: string }) {
  const { t, locale } = useText();
  const [query] = useSearchParams();
  const session = useSession();
  const trackingToken = query.get("token") ?? tokenFromVisit(id);
  const token = useCallback(() => trackingToken ?? currentToken(), [trackingToken]);
  if (trackingToken === undefined && session === null)
    return (
      <Shell title={t("bookings.title")}>
        <LoginForm lead={t("book.signInLead")} />
      </Shell>
    );
  return <Shown key={locale} id={id} zone={zone} token={token} trackingToken={trackingToken} />;
}

interface ShownProps {
  id: string;
  zone: string;
  token: () => string | undefined;
  trackingToken: string | undefined;
}

function Shown({ id, zone, token, trackingToken }: ShownProps) {
  const { t, locale, dateTime, time, money } = useText();
  const { live, snapshot } = useLive(token);
  const queries = useQueryClient();
  const { data: booking, error, refetch } = useQuery(bookingQuery(id, token));
  useEffect(() => {
    const anew = () => void queries.invalidateQueries({ queryKey: ["booking", id] });
    const stops = [live.on("booking_update", anew), live.on("ready", anew), live.onGap(anew)];
    return () => stops.forEach((stop) => stop());
  }, [live, queries, id]);
  const [cancelling, setCancelling] = useState(false);
  const save = useMutation({ mutationFn: (of: Booking) => saveCalendarFile(of, token()) });
  const now_ms = useNow_ms();
  const title = booking
    ? t("bookings.one", { number: String(booking.number), service: serviceName(booking, locale) })
    : t("bookings.title");
  return (
    <Shell title={title} tools={<Connection snapshot={snapshot} />}>
      {error && <ProblemNote error={error} onRetry={() => void refetch()} />}
      {booking === undefined && error === null && <Loading cards={1} />}
      {error && (
        <Link href="/book" className="button">
          {t("book.title")}
        </Link>
      )}
      {booking && (
        <article className="card book-own" data-testid="own-booking" data-booking-id={booking.id}>
          <BookingBadges booking={booking} />
          <p className="book-when">
            {dateTime(booking.startsAt, zone)} – {time(booking.endsAt, zone)}
          </p>
          <p className="muted">{t("book.zone", { zone })}</p>
          <p>
            {t("chat.carer")}: <strong>{booking.carerName}</strong>
          </p>
          <p>
            {t("bookings.price")}: <strong>{money(booking.total, booking.currency)}</strong>
          </p>
          <p className="book-links">
            <ChatLink about={booking.id} trackingToken={trackingToken} className="button" />
            <button
              type="button"
              className="button"
              data-testid="calendar-file"
              onClick={() => save.mutate(booking)}
            >
              {t("bookings.calendarFile")}
            </button>
            {isToCome(booking, now_ms) && (
              <button
                type="button"
                className="button button--danger"
                data-testid="cancel-booking"
                onClick={() => setCancelling(true)}
              >
                {t("bookings.to.cancelled")}
              </button>
            )}
          </p>
          {save.error && <ProblemNote error={save.error} />}
        </article>
      )}
      {cancelling && booking && (
        <CancelDialog booking={booking} token={token} onClose={() => setCancelling(false)} />
      )}
    </Shell>
  );
}

const isToCome = ({ status, startsAt }: Booking, now_ms: number) =>
  (status === "requested" || status === "confirmed") && Date.parse(startsAt) > now_ms;

interface CancelDialogProps {
  booking: Booking;
  token: () => string | undefined;
  onClose: () => void;
}

function CancelDialog({ booking, token, onClose }: CancelDialogProps) {
  const { t } = useText();
  const [reason, setReason] = useState("");
  const queries = useQueryClient();
  const keys = useMemo(() => new IdempotencyKey(), []);
  const cancel = useMutation({
    mutationFn: (why: string) =>
      cancelBooking(booking, why, token(), keys.for([booking.id, booking.version, why])),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["booking", booking.id] });
      onClose();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (reason.trim() !== "") cancel.mutate(reason.trim());
  };
  return (
    <Dialog title={t("bookings.to.cancelled")} onClose={onClose}>
      <form onSubmit={submit}>
        <ReasonField
          presets={["cancel.changed", "cancel.twice", "cancel.wrong"]}
          reason={reason}
          onChange={setReason}
        />
        {cancel.error && <ProblemNote error={cancel.error} />}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t("reason.back")}
          </button>
          <Button
            type="submit"
            className="button button--primary"
            data-testid="cancel-submit"
            busy={cancel.isPending}
          >
            {t("bookings.to.cancelled")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
