import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useLayoutEffect, useMemo, useRef } from "react";
import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import { DAY_MINUTES, wallTime } from "../../i18n/zone";
import { useNow_ms } from "../../ui/clock";
import { BookingBlock } from "./booking-block";
import { useCalendar } from "./calendar-context";
import { cellOf, type Column, type Entry } from "./diary";
import { Ghost, useDraftAt } from "./ghost";
import { inLanes } from "./lanes";
import { isOff } from "./moves";
import { PX_PER_MINUTE } from "./scale";

/** As many share the width; of more, those in sight and near it are there. */
const FEW = 7;
const COLUMN_PX = 176;
const NONE: readonly Entry[] = [];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const HEIGHT_PX = DAY_MINUTES * PX_PER_MINUTE;
/** Where nobody is booked yet, a day is looked at from here on. */
const MORNING = 8 * 60;
const BEFORE_PX = 30;

/** A day: its carers beside each other, its hours downwards. */
export function DayView({ day }: { day: string }) {
  const { diary } = useCalendar();
  const columns = useStore(diary.store, (state) => state.columns);
  const box = useRef<HTMLElement>(null);
  const few = columns.length <= FEW;
  // eslint-disable-next-line react-hooks/incompatible-library -- it is not memoized, and nothing of it is passed on
  const virtual = useVirtualizer({
    count: columns.length,
    enabled: !few,
    horizontal: true,
    getScrollElement: () => box.current,
    estimateSize: () => COLUMN_PX,
    overscan: 1,
  });
  useLayoutEffect(() => {
    if (box.current)
      box.current.scrollTop = firstMinute(diary.store.getState().cells) * PX_PER_MINUTE - BEFORE_PX;
  }, [diary]);
  const { t } = useText();
  const shown = few
    ? columns.map((_, index) => ({ index, start: 0 }))
    : virtual.getVirtualItems().map(({ index, start }) => ({ index, start }));
  return (
    // A region that scrolls is reached by the keyboard, too.
    <section
      ref={box}
      className="card day"
      aria-label={t("bookings.calendar")}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      data-few={few || undefined}
    >
      <div
        className="day-inner"
        style={few ? undefined : { width: `calc(${virtual.getTotalSize()}px + 3.5rem)` }}
      >
        <HourMarks day={day} />
        {shown.map(({ index, start }) => {
          const column = columns[index];
          if (column === undefined) return null;
          return (
            <div
              key={column.id}
              className="day-column"
              style={few ? undefined : { insetInlineStart: `calc(3.5rem + ${start}px)`, width: COLUMN_PX }}
            >
              <DayColumn day={day} column={column} />
            </div>
          );
        })}
      </div>
    </section>
  );
}

function firstMinute(cells: ReadonlyMap<string, readonly Entry[]>): number {
  const firsts = [...cells.values()].flatMap(([first]) => (first === undefined ? [] : [first.minute]));
  return Math.min(MORNING, ...firsts);
}

const HourMarks = memo(function HourMarks({ day }: { day: string }) {
  const { time } = useText();
  const { zone } = useCalendar();
  return (
    <div className="day-hours" style={{ height: HEIGHT_PX }} aria-hidden="true">
      {HOURS.map((hour) => (
        <span key={hour} style={{ top: hour * 60 * PX_PER_MINUTE }}>
          {/* As the clock counts them: of a day that leaps over an hour, too. */}
          {time(`${day}T${String(hour).padStart(2, "0")}:00:00Z`, "UTC")}
        </span>
      ))}
      <NowLine day={day} zone={zone} />
    </div>
  );
});

function NowLine({ day, zone }: { day: string; zone: string }) {
  const now = wallTime(useNow_ms(), zone);
  if (now.day !== day) return null;
  return <i className="day-now" style={{ top: now.minute * PX_PER_MINUTE }} />;
}

const DayColumn = memo(function DayColumn({ day, column }: { day: string; column: Column }) {
  const { diary, withOff } = useCalendar();
  const entries = useStore(diary.store, ({ cells }) => cells.get(cellOf(day, column.id)) ?? NONE);
  const draft = useDraftAt(day, column.id);
  const placed = useMemo(
    () => inLanes(withOff ? entries : entries.filter(({ booking }) => !isOff(booking))),
    [entries, withOff],
  );
  return (
    <>
      <h3 className="day-head">{column.name}</h3>
      <ul
        className="day-slots"
        style={{ height: HEIGHT_PX }}
        aria-label={column.name}
        data-drop-carer={column.id}
        data-drop-day={day}
      >
        {placed.map(({ entry, lane, lanes }) => (
          <li
            key={entry.booking.id}
            style={{
              top: entry.minute * PX_PER_MINUTE,
              height: heightOf(entry),
              insetInlineStart: `${(100 * lane) / lanes}%`,
              width: `${100 / lanes}%`,
            }}
          >
            <BookingBlock entry={entry} view="day" />
          </li>
        ))}
        {draft && (
          <li>
            <Ghost draft={draft} style={ghostPlace(draft.minute, draft.booking)} />
          </li>
        )}
      </ul>
    </>
  );
});

const LEAST_PX = 24;

const heightOf = ({ minute, end }: Pick<Entry, "minute" | "end">) =>
  Math.max((Math.min(end, DAY_MINUTES) - minute) * PX_PER_MINUTE, LEAST_PX);

function ghostPlace(minute: number, { startsAt, endsAt }: Entry["booking"]) {
  const minutes = (Date.parse(endsAt) - Date.parse(startsAt)) / 60_000;
  return { top: minute * PX_PER_MINUTE, height: heightOf({ minute, end: minute + minutes }) };
}
