import type { Booking } from "../../api/bookings";
import type { BookingMove, StatusFlow } from "../../api/status-flow";

/** What the server's table lets that role make of it now; what more it asks for, it says itself. */
export function nextMoves(flow: StatusFlow, booking: Booking, role: string, now_ms: number): BookingMove[] {
  const hasBegun = Date.parse(booking.startsAt) <= now_ms;
  return flow.booking.filter(
    ({ from, roles, guards }) =>
      from === booking.status &&
      roles.includes(role) &&
      // The shop's people decide about time for themselves.
      !(role === "carer" && guards.includes("has_begun") && !hasBegun) &&
      !(role === "carer" && guards.includes("not_begun") && hasBegun),
  );
}

/** Whether that role may have it at another time, or of another carer. */
export const mayMove = (flow: StatusFlow | undefined, { status }: Booking, role: string): boolean =>
  flow?.bookingReschedule.some(({ from, roles }) => from === status && roles.includes(role)) ?? false;

export const isOff = ({ status }: Booking): boolean => status === "cancelled" || status === "no_show";
