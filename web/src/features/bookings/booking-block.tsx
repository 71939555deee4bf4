import { memo } from "react";
import { serviceName } from "../../i18n/statuses";
import { useText } from "../../i18n/text";
import { useCalendar } from "./calendar-context";
import type { Entry } from "./diary";
import { useMover } from "./use-mover";

interface BookingBlockProps {
  entry: Entry;
  view: "day" | "week";
}

/** One booking in the calendar: a press opens it. */
export const BookingBlock = memo(function BookingBlock({ entry, view }: BookingBlockProps) {
  const { t, time, locale } = useText();
  const { zone } = useCalendar();
  const { movable, ...handlers } = useMover(entry, view);
  const { booking } = entry;
  return (
    <button
      type="button"
      className="booking"
      data-testid="booking"
      data-booking-id={booking.id}
      data-status={booking.status}
      data-movable={movable || undefined}
      aria-keyshortcuts={movable ? "Alt+ArrowUp Alt+ArrowDown Alt+ArrowLeft Alt+ArrowRight" : undefined}
      {...handlers}
    >
      <span className="booking-time">{time(booking.startsAt, zone)}</span>{" "}
      <strong>{booking.customerInfo.name ?? t("order.unnamed")}</strong>{" "}
      {view === "day" && <span className="booking-service">{serviceName(booking, locale)}</span>}
      <span className="visually-hidden">, {t(`bookingStatus.${booking.status}`)}</span>
    </button>
  );
});
