import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Service, type Slots, slotsQuery } from "../../api/bookings";
import { useText } from "../../i18n/text";
import { addDays, today, wallTime } from "../../i18n/zone";
import { SelectField } from "../../ui/field";
import { Loading, ProblemNote } from "../../ui/notes";

type FreeTime = Slots["items"][number];

export interface Chosen {
  startsAt: string;
  /** Whoever is free, where it is empty. */
  carerId: string;
}

interface SlotPickerProps {
  service: Service;
  zone: string;
  chosen: Chosen | undefined;
  onChoose: (chosen: Chosen | undefined) => void;
}

const WEEK = 7;

/** The free times of a week, by the shop's clock. */
export function SlotPicker({ service, zone, chosen, onChoose }: SlotPickerProps) {
  const { t, day: dayText, time } = useText();
  const now = today(zone);
  const [from, setFrom] = useState(now);
  const [carerId, setCarerId] = useState("");
  const to = addDays(from, WEEK - 1);
  const slots = useQuery(slotsQuery(service.id, from, to, carerId));
  // Who may be chosen does not become less by having chosen one.
  const all = useQuery(slotsQuery(service.id, from, to, ""));
  const days = byDay(slots.data?.items ?? [], zone);
  const turn = (way: number) => {
    onChoose(undefined);
    setFrom(addDays(from, way * WEEK));
  };
  return (
    <fieldset className="book-slots">
      <legend>{t("bookings.when")}</legend>
      <div className="book-bar">
        <SelectField
          label={t("chat.carer")}
          name="carerId"
          data-testid="book-carer"
          value={carerId}
          onChange={({ target }) => {
            onChoose(undefined);
            setCarerId(target.value);
          }}
        >
          <option value="">{t("book.anyCarer")}</option>
          {all.data?.carers.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
        <button type="button" className="button" disabled={from <= now} onClick={() => turn(-1)}>
          {t("bookings.before")}
        </button>
        <button type="button" className="button" data-testid="book-later" onClick={() => turn(1)}>
          {t("bookings.after")}
        </button>
      </div>
      <p className="field-hint">{t("book.zone", { zone })}</p>
      {slots.error && <ProblemNote error={slots.error} onRetry={() => void slots.refetch()} />}
      {slots.isPending && <Loading cards={1} />}
      {slots.data?.items.length === 0 && <p className="muted">{t("book.noTimes")}</p>}
      {[...days].map(([day, items]) => (
        <div key={day} role="group" aria-label={dayText(day, "long")} className="book-day">
          <h2>{dayText(day, "long")}</h2>
          <div className="book-times">
            {items.map(({ startsAt }) => (
              <button
                key={startsAt}
                type="button"
                className="chip"
                data-testid="slot"
                data-starts-at={startsAt}
                aria-pressed={chosen?.startsAt === startsAt}
                onClick={() => onChoose({ startsAt, carerId })}
              >
                {time(startsAt, zone)}
              </button>
            ))}
          </div>
        </div>
      ))}
    </fieldset>
  );
}

function byDay(items: readonly FreeTime[], zone: string): Map<string, FreeTime[]> {
  const days = new Map<string, FreeTime[]>();
  for (const each of items) {
    const { day } = wallTime(each.startsAt, zone);
    const list = days.get(day);
    if (list === undefined) days.set(day, [each]);
    else list.push(each);
  }
  return days;
}
