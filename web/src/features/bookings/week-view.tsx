import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useMemo, useRef } from "react";
import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import { today } from "../../i18n/zone";
import { BookingBlock } from "./booking-block";
import { useCalendar } from "./calendar-context";
import { cellOf, type Column, type Entry } from "./diary";
import { Ghost, useDraftAt } from "./ghost";
import { isOff } from "./moves";

/** Of a day with more, the day itself shows the rest. */
const SHOWN_MAX = 6;
const ROW_PX = 220;
const NONE: readonly Entry[] = [];

/** A week: its days beside each other, its carers downwards. */
export function WeekView({ onDay }: { onDay: (day: string) => void }) {
  const { t, day: dayText } = useText();
  const { diary, days, zone } = useCalendar();
  const columns = useStore(diary.store, (state) => state.columns);
  const box = useRef<HTMLElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- it is not memoized, and nothing of it is passed on
  const virtual = useVirtualizer({
    count: columns.length,
    getScrollElement: () => box.current,
    getItemKey: (index) => columns[index]?.id ?? index,
    estimateSize: () => ROW_PX,
    overscan: 1,
  });
  const now = today(zone);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section ref={box} className="card week" aria-label={t("bookings.calendar")} tabIndex={0}>
      <div className="week-head">
        {days.map((day) => (
          <button
            key={day}
            type="button"
            className="button button--quiet button--small"
            data-testid="week-day"
            aria-current={day === now ? "date" : undefined}
            onClick={() => onDay(day)}
          >
            {dayText(day, "short")}
          </button>
        ))}
      </div>
      <div className="week-rows" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const column = columns[index];
          if (column === undefined) return null;
          return (
            <section
              key={column.id}
              ref={virtual.measureElement}
              data-index={index}
              className="week-row"
              style={{ transform: `translateY(${start}px)` }}
              aria-label={column.name}
            >
              <h3>{column.name}</h3>
              <div className="week-cells">
                {days.map((day) => (
                  <WeekCell key={day} day={day} column={column} onDay={onDay} />
                ))}
              </div>
            </section>
          );
        })}
      </div>
    </section>
  );
}

interface WeekCellProps {
  day: string;
  column: Column;
  onDay: (day: string) => void;
}

const WeekCell = memo(function WeekCell({ day, column, onDay }: WeekCellProps) {
  const { t, day: dayText } = useText();
  const { diary, withOff } = useCalendar();
  const entries = useStore(diary.store, ({ cells }) => cells.get(cellOf(day, column.id)) ?? NONE);
  const draft = useDraftAt(day, column.id);
  const shown = useMemo(
    () => (withOff ? entries : entries.filter(({ booking }) => !isOff(booking))),
    [entries, withOff],
  );
  const more = shown.length - SHOWN_MAX;
  return (
    <ul
      className="week-cell"
      aria-label={dayText(day, "short")}
      data-drop-carer={column.id}
      data-drop-day={day}
    >
      {(more > 0 ? shown.slice(0, SHOWN_MAX) : shown).map((entry) => (
        <li key={entry.booking.id}>
          <BookingBlock entry={entry} view="week" />
        </li>
      ))}
      {draft && (
        <li>
          <Ghost draft={draft} />
        </li>
      )}
      {more > 0 && (
        <li>
          <button
            type="button"
            className="button button--quiet button--small"
            data-testid="week-more"
            onClick={() => onDay(day)}
          >
            {t("bookings.more", { count: more })}
          </button>
        </li>
      )}
    </ul>
  );
});
