import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { type Opening, openingQuery, setHours, type WeekHours } from "../../api/opening";
import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { ProblemNote } from "../../ui/notes";
import { currentToken } from "../session/session";

const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
const USUAL = { from: "10:00", to: "22:00" } as const;

/** The shop's hours of every week, by its own clock. */
export function HoursDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { data, error } = useQuery(openingQuery);
  return (
    <Dialog title={t("hours.title")} onClose={onClose}>
      {error && <ProblemNote error={error} />}
      {data && <HoursForm opening={data} onClose={onClose} />}
    </Dialog>
  );
}

function HoursForm({ opening, onClose }: { opening: Opening; onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  // As they were when the dialog was opened: what somebody else changes meanwhile is a conflict, and said so.
  const [seen] = useState(opening);
  const [hours, setWeek] = useState<WeekHours | null>(opening.hours ?? null);
  const saving = useMutation({
    mutationFn: () => setHours(hours, seen.version, currentToken()),
    onSuccess: (changed) => {
      queries.setQueryData(openingQuery.queryKey, changed);
      onClose();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!saving.isPending) saving.mutate();
  };
  return (
    <form onSubmit={submit}>
      <label className="settings-choice">
        <input
          type="checkbox"
          checked={hours === null}
          data-testid="always-open"
          onChange={({ target }) => setWeek(target.checked ? null : (seen.hours ?? usualWeek()))}
        />
        {t("hours.always")}
      </label>
      {hours !== null && (
        <>
          <p className="muted">{t("hours.lead", { zone: opening.timezone })}</p>
          {WEEKDAYS.map((day) => (
            <Day key={day} day={day} hours={hours} onChange={setWeek} />
          ))}
        </>
      )}
      {saving.error && <ProblemNote error={saving.error} />}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          {t("reason.back")}
        </button>
        <button type="submit" className="button button--primary" data-testid="hours-save">
          {t("hours.save")}
        </button>
      </div>
    </form>
  );
}

interface DayProps {
  day: (typeof WEEKDAYS)[number];
  hours: WeekHours;
  onChange: (hours: WeekHours) => void;
}

function Day({ day, hours, onChange }: DayProps) {
  const { t } = useText();
  const shifts = hours[day] ?? [];
  const set = (changed: typeof shifts) => onChange({ ...hours, [day]: changed });
  const time = (index: number, end: "from" | "to", value: string) => (
    <input
      type="time"
      required
      aria-label={t(`hours.${end}`, { day: t(`day.${day}`) })}
      value={value === "24:00" ? "00:00" : value}
      onChange={({ target }) => {
        // The end of a day is written as its twenty-fourth hour.
        const at = end === "to" && target.value === "00:00" ? "24:00" : target.value;
        set(shifts.map((shift, place) => (place === index ? { ...shift, [end]: at } : shift)));
      }}
    />
  );
  return (
    <fieldset className="hours-day" data-testid={`hours-${day}`}>
      <legend>{t(`day.${day}`)}</legend>
      {shifts.length === 0 && <span className="muted">{t("hours.closed")}</span>}
      {shifts.map((shift, index) => (
        <span key={index} className="hours-shift">
          {time(index, "from", shift.from)} – {time(index, "to", shift.to)}
          <button
            type="button"
            className="button button--small"
            aria-label={t("hours.remove", { day: t(`day.${day}`) })}
            onClick={() => set(shifts.filter((_, place) => place !== index))}
          >
            ×
          </button>
        </span>
      ))}
      <button
        type="button"
        className="button button--small"
        aria-label={t("hours.add", { day: t(`day.${day}`) })}
        onClick={() => set([...shifts, { ...USUAL }])}
      >
        +
      </button>
    </fieldset>
  );
}

const usualWeek = (): WeekHours => Object.fromEntries(WEEKDAYS.map((day) => [day, [{ ...USUAL }]]));
