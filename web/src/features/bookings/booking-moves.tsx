import { useMutation } from "@tanstack/react-query";
import { type SyntheticEvent, useMemo, useState } from "react";
import { type Booking, changeBooking, type StatusChange } from "../../api/bookings";
import { IdempotencyKey } from "../../api/idempotency-key";
import type { BookingMove } from "../../api/status-flow";
import type { MessageKey } from "../../i18n/en";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { useNow_ms } from "../../ui/clock";
import { ProblemNote } from "../../ui/notes";
import { ReasonField } from "../../ui/reason-field";
import { currentToken } from "../session/session";
import { useCalendar } from "./calendar-context";
import { isOff, nextMoves } from "./moves";

const PRESETS: readonly MessageKey[] = ["reason.customerAsked", "reason.noAnswer", "bookings.carerIll"];

/** What may become of a booking now, by the server's table. */
export function BookingMoves({
  booking,
  onChanged,
}: {
  booking: Booking;
  onChanged: (booking: Booking) => void;
}) {
  const { t } = useText();
  const { flow, session } = useCalendar();
  const [asking, setAsking] = useState<BookingMove>();
  const keys = useMemo(() => new IdempotencyKey(), []);
  const change = useMutation({
    mutationFn: (body: StatusChange) =>
      changeBooking(booking.id, body, currentToken(), keys.for({ id: booking.id, ...body })),
    onSuccess: (answer) => {
      setAsking(undefined);
      onChanged(answer);
    },
  });
  const now_ms = useNow_ms();
  const moves = flow === undefined ? [] : nextMoves(flow, booking, session.user.role, now_ms);
  const send = ({ to }: BookingMove, reason?: string) =>
    change.mutate({ status: to, version: booking.version, ...(reason && { reason }) });
  return (
    <>
      {change.error && <ProblemNote error={change.error} />}
      {asking ? (
        <WhyForm
          move={asking}
          busy={change.isPending}
          onReason={(reason) => send(asking, reason)}
          onBack={() => setAsking(undefined)}
        />
      ) : (
        <div className="booking-moves">
          {moves.map((move) => (
            <Button
              key={move.to}
              type="button"
              className={
                isOff({ ...booking, status: move.to }) ? "button button--danger" : "button button--primary"
              }
              data-testid="booking-move"
              data-to={move.to}
              busy={change.isPending}
              onClick={() => (move.needsReason ? setAsking(move) : send(move))}
            >
              {t(`bookings.to.${move.to}`)}
            </Button>
          ))}
        </div>
      )}
    </>
  );
}

interface WhyFormProps {
  move: BookingMove;
  busy: boolean;
  onReason: (reason: string) => void;
  onBack: () => void;
}

function WhyForm({ move, busy, onReason, onBack }: WhyFormProps) {
  const { t } = useText();
  const [reason, setReason] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (reason.trim() !== "") onReason(reason.trim());
  };
  return (
    <form onSubmit={submit} aria-label={t(`bookings.to.${move.to}`)}>
      <ReasonField presets={PRESETS} reason={reason} onChange={setReason} />
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onBack}>
          {t("reason.back")}
        </button>
        <Button type="submit" className="button button--primary" data-testid="reason-submit" busy={busy}>
          {t(`bookings.to.${move.to}`)}
        </Button>
      </div>
    </form>
  );
}
