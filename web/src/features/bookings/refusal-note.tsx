import { Problem } from "../../api/problem";
import { useText } from "../../i18n/text";
import { ProblemText } from "../../ui/notes";
import { useCalendar } from "./calendar-context";
import type { Wanted } from "./use-rescheduling";

interface RefusalNoteProps {
  error: Error;
  wanted: Wanted;
  onTake: (wanted: Wanted) => void;
  onClose: () => void;
}

const OFFERED_MAX = 3;

/** Why a booking stays where it is, and the nearest times to which it could go. */
export function RefusalNote({ error, wanted, onTake, onClose }: RefusalNoteProps) {
  const { t, time, dateTime } = useText();
  const { zone, diary, days } = useCalendar();
  const nearest = (error instanceof Problem && error.body.nearest) || [];
  const nameOf = (carerId: string) =>
    diary.store.getState().columns.find(({ id }) => id === carerId)?.name ?? carerId;
  return (
    <div className="note note--bad bookings-refusal" role="alert" data-testid="reschedule-refused">
      <div>
        <strong>{t("bookings.refused", { number: String(wanted.booking.number) })}</strong>
        {/* The server's own sentence has the nearest time as a program reads it; here it is on a button. */}
        {nearest.length > 0 ? <p>{t("problem.timeNotFree")}</p> : <ProblemText error={error} />}
      </div>
      <div className="bookings-nearest">
        {nearest.slice(0, OFFERED_MAX).map(({ startsAt, carerIds }) => {
          const carerId = carerIds.find((id) => id === wanted.carerId) ?? carerIds[0];
          if (carerId === undefined) return null;
          const at = days.length > 1 ? dateTime(startsAt, zone) : time(startsAt, zone);
          return (
            <button
              key={startsAt}
              type="button"
              className="button button--small"
              data-testid="nearest-time"
              onClick={() => onTake({ ...wanted, startsAt, carerId })}
            >
              {at} · {nameOf(carerId)}
            </button>
          );
        })}
        <button type="button" className="button button--small" onClick={onClose}>
          {t("bookings.leave")}
        </button>
      </div>
    </div>
  );
}
