import { useText } from "../../i18n/text";
import { isDay, today } from "../../i18n/zone";
import { Field } from "../../ui/field";
import type { usePlace } from "./use-place";

interface ToolbarProps {
  place: ReturnType<typeof usePlace>;
  zone: string;
  withOff: boolean;
  onWithOff: (withOff: boolean) => void;
}

/** Which days are shown, and what of them. */
export function Toolbar({ place, zone, withOff, onWithOff }: ToolbarProps) {
  const { t, day: dayText } = useText();
  const { view, day, days, show, turn } = place;
  const first = days[0] ?? day;
  const last = days.at(-1) ?? day;
  return (
    <div className="bookings-bar">
      <div className="bookings-turn">
        <button
          type="button"
          className="button button--icon"
          aria-label={t("bookings.before")}
          data-testid="bookings-before"
          onClick={() => turn(-1)}
        >
          <span aria-hidden="true">‹</span>
        </button>
        <button
          type="button"
          className="button"
          data-testid="bookings-today"
          onClick={() => show(view, today(zone))}
        >
          {t("bookings.today")}
        </button>
        <button
          type="button"
          className="button button--icon"
          aria-label={t("bookings.after")}
          data-testid="bookings-after"
          onClick={() => turn(1)}
        >
          <span aria-hidden="true">›</span>
        </button>
      </div>
      <h2 aria-live="polite" data-testid="bookings-days">
        {first === last ? dayText(first, "long") : `${dayText(first, "long")} – ${dayText(last, "long")}`}
      </h2>
      <Field
        type="date"
        name="day"
        label={t("bookings.day")}
        value={day}
        onChange={({ target }) => {
          if (isDay(target.value)) show(view, target.value);
        }}
      />
      <div className="chips" role="group" aria-label={t("bookings.view")}>
        {(["day", "week"] as const).map((each) => (
          <button
            key={each}
            type="button"
            className="chip"
            data-testid={`view-${each}`}
            aria-pressed={view === each}
            onClick={() => show(each, day)}
          >
            {t(`bookings.view.${each}`)}
          </button>
        ))}
      </div>
      <label className="tick">
        <input type="checkbox" checked={withOff} onChange={({ target }) => onWithOff(target.checked)} />
        {t("bookings.withOff")}
      </label>
    </div>
  );
}
