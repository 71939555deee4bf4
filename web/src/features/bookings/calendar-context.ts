import type { Live } from "@ordercast/client";
import { createContext, useContext } from "react";
import type { Booking } from "../../api/bookings";
import type { StatusFlow } from "../../api/status-flow";
import type { Session } from "../session/session";
import type { Diary } from "./diary";
import type { Draft } from "./draft";

export interface CalendarValue {
  readonly diary: Diary;
  readonly live: Live;
  readonly zone: string;
  readonly session: Session;
  readonly days: readonly string[];
  readonly flow: StatusFlow | undefined;
  /** Whether what was called off is shown, too. */
  readonly withOff: boolean;
  readonly open: (booking: Booking) => void;
  readonly drop: (draft: Draft) => void;
}

export const CalendarContext = createContext<CalendarValue | undefined>(undefined);

export function useCalendar(): CalendarValue {
  const value = useContext(CalendarContext);
  if (value === undefined) throw new Error("This belongs into a calendar");
  return value;
}
