import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { addDays } from "../../i18n/zone";
import { useCalendar } from "./calendar-context";
import type { Entry } from "./diary";
import { type Draft, STEP_MINUTES, stepped, useDraft } from "./draft";
import { mayMove } from "./moves";
import { PX_PER_MINUTE } from "./scale";

/** What the pointer goes before it is no press any more. */
const SLACK_PX = 5;
const ARROWS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] as const;
type Arrow = (typeof ARROWS)[number];

interface Held {
  readonly x: number;
  readonly y: number;
  /** How far under its upper edge the booking was taken. */
  readonly under: number;
  moved: boolean;
}

/** Lets a booking be moved: drawn with a mouse or a pen, or held and moved with Alt and the arrows. */
export function useMover(entry: Entry, view: "day" | "week") {
  const { diary, days, flow, session, drop, open } = useCalendar();
  const held = useRef<Held>(undefined);
  const { booking } = entry;
  const movable = mayMove(flow, booking, session.user.role);
  const draft = () => {
    const { draft: now } = useDraft.getState();
    return now?.booking.id === booking.id ? now : undefined;
  };
  const hold = (next: Draft | undefined) => useDraft.getState().set(next);
  const start = (): Draft => ({ booking, day: entry.day, minute: entry.minute, carerId: booking.carerId });

  const under = ({ clientX, clientY }: PointerEvent, from: Held): Draft | undefined => {
    const place = document
      .elementsFromPoint(clientX, clientY)
      .map((each) => each.closest<HTMLElement>("[data-drop-carer]"))
      .find((each) => each !== null);
    const { dropCarer: carerId, dropDay: day } = place?.dataset ?? {};
    if (place === undefined || carerId === undefined || day === undefined) return undefined;
    if (view === "week") return { ...start(), day, carerId };
    const y = clientY - from.under - place.getBoundingClientRect().top;
    return { ...start(), day, carerId, minute: stepped(y / PX_PER_MINUTE) };
  };

  const byKey = (now: Draft, arrow: Arrow): Draft => {
    const { columns } = diary.store.getState();
    const way = arrow === "ArrowUp" || arrow === "ArrowLeft" ? -1 : 1;
    const isAlong = arrow === "ArrowUp" || arrow === "ArrowDown";
    if (view === "day" && isAlong) return { ...now, minute: stepped(now.minute + way * STEP_MINUTES) };
    if (view === "week" && !isAlong) {
      const day = addDays(now.day, way);
      return days.includes(day) ? { ...now, day } : now;
    }
    const at = columns.findIndex(({ id }) => id === now.carerId);
    return { ...now, carerId: columns[at + way]?.id ?? now.carerId };
  };

  return {
    movable,
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      held.current = undefined;
      // A finger scrolls; it moves a booking by the form.
      if (!movable || event.button !== 0 || event.pointerType === "touch") return;
      const { top } = event.currentTarget.getBoundingClientRect();
      held.current = { x: event.clientX, y: event.clientY, under: event.clientY - top, moved: false };
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const from = held.current;
      if (from === undefined || event.buttons === 0) return;
      from.moved ||= Math.hypot(event.clientX - from.x, event.clientY - from.y) > SLACK_PX;
      if (from.moved) hold(under(event, from));
    },
    onPointerUp: () => {
      const now = draft();
      if (held.current?.moved && now !== undefined) drop(now);
    },
    onPointerCancel: () => {
      held.current = undefined;
      hold(undefined);
    },
    onClick: () => {
      // A press ends where it began; what was drawn is no press.
      if (held.current?.moved !== true) open(booking);
      held.current = undefined;
    },
    onKeyDown: (event: KeyboardEvent) => {
      const arrow = ARROWS.find((each) => each === event.key);
      const now = draft();
      if (arrow !== undefined && event.altKey && movable) hold(byKey(now ?? start(), arrow));
      else if (event.key === "Enter" && now !== undefined) drop(now);
      else if (event.key === "Escape" && now !== undefined) hold(undefined);
      else return;
      event.preventDefault();
    },
    onBlur: () => {
      if (draft() !== undefined && held.current === undefined) hold(undefined);
    },
  };
}
