import { create } from "zustand";
import type { Booking } from "../../api/bookings";
import { DAY_MINUTES } from "../../i18n/zone";

/** Where a booking is held over: by the pointer, or by keys. */
export interface Draft {
  readonly booking: Booking;
  readonly day: string;
  readonly minute: number;
  readonly carerId: string;
}

interface DraftState {
  draft: Draft | undefined;
  set: (draft: Draft | undefined) => void;
}

export const useDraft = create<DraftState>()((set) => ({
  draft: undefined,
  set: (draft) => set({ draft }),
}));

/** People are booked by the quarter of an hour; whoever wants another minute says it in the form. */
export const STEP_MINUTES = 15;

/** The nearest step within the day. */
export function stepped(minute: number): number {
  const step = Math.round(minute / STEP_MINUTES) * STEP_MINUTES;
  return Math.min(Math.max(step, 0), DAY_MINUTES - STEP_MINUTES);
}
