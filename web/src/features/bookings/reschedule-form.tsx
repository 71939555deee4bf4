import { type SyntheticEvent, useState } from "react";
import { useStore } from "zustand";
import type { Booking } from "../../api/bookings";
import { useText } from "../../i18n/text";
import { isDay, momentAt, wallTime } from "../../i18n/zone";
import { Button } from "../../ui/button";
import { Field, SelectField } from "../../ui/field";
import { useCalendar } from "./calendar-context";
import { RefusalNote } from "./refusal-note";
import { useRescheduling } from "./use-rescheduling";

interface RescheduleFormProps {
  booking: Booking;
  onDone: () => void;
}

const two = (value: number) => String(value).padStart(2, "0");

/** Another time or carer, for whoever does not draw: by the minute, of any day. */
export function RescheduleForm({ booking, onDone }: RescheduleFormProps) {
  const { t } = useText();
  const { zone, diary } = useCalendar();
  const columns = useStore(diary.store, (state) => state.columns);
  const was = wallTime(booking.startsAt, zone);
  const [day, setDay] = useState(was.day);
  const [at, setAt] = useState(`${two(Math.floor(was.minute / 60))}:${two(was.minute % 60)}`);
  const [carerId, setCarerId] = useState(booking.carerId);
  const { ask, error, wanted, reset, isPending } = useRescheduling(diary, zone);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const [hour = 0, minute = 0] = at.split(":").map(Number);
    if (!isDay(day)) return;
    const startsAt = momentAt({ day, minute: hour * 60 + minute }, zone);
    ask({ booking, startsAt, carerId }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit} aria-label={t("bookings.reschedule")} className="reschedule">
      <Field
        type="date"
        name="day"
        label={t("bookings.day")}
        value={day}
        required
        onChange={({ target }) => setDay(target.value)}
      />
      <Field
        type="time"
        name="time"
        label={t("bookings.time")}
        value={at}
        required
        data-testid="reschedule-time"
        onChange={({ target }) => setAt(target.value)}
      />
      <SelectField
        name="carer"
        label={t("chat.carer")}
        value={carerId}
        data-testid="reschedule-carer"
        onChange={({ target }) => setCarerId(target.value)}
      >
        {columns.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </SelectField>
      {error && wanted && (
        <RefusalNote
          error={error}
          wanted={wanted}
          onTake={(next) => ask(next, { onSuccess: onDone })}
          onClose={reset}
        />
      )}
      <Button
        type="submit"
        className="button button--primary"
        data-testid="reschedule-submit"
        busy={isPending}
      >
        {t("bookings.move")}
      </Button>
    </form>
  );
}
