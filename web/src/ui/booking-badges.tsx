import type { Booking, BookingStatus } from "../api/bookings";
import { useText } from "../i18n/text";
import { PaymentBadge, type Tone } from "./badges";

const TONES: Record<BookingStatus, Tone> = {
  requested: "wait",
  confirmed: "work",
  in_progress: "move",
  completed: "good",
  cancelled: "bad",
  no_show: "still",
};

/** How a booking stands, and its payment. */
export function BookingBadges({ booking }: { booking: Booking }) {
  const { t } = useText();
  return (
    <p className="badges">
      <span
        className="badge-tone"
        data-tone={TONES[booking.status]}
        data-testid="booking-status"
        data-status={booking.status}
      >
        {t(`bookingStatus.${booking.status}`)}
      </span>
      <PaymentBadge order={booking} />
    </p>
  );
}
