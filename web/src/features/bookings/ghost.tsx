import { useText } from "../../i18n/text";
import { momentAt } from "../../i18n/zone";
import { useCalendar } from "./calendar-context";
import type { Draft } from "./draft";
import { useDraft } from "./draft";

/** What is held over this place. */
export const useDraftAt = (day: string, carerId: string): Draft | undefined =>
  useDraft(({ draft }) => (draft?.day === day && draft.carerId === carerId ? draft : undefined));

/** Where a booking would go. */
export function Ghost({ draft, style }: { draft: Draft; style?: { top: number; height: number } }) {
  const { time } = useText();
  const { zone } = useCalendar();
  return (
    <div className="booking booking--ghost" data-testid="booking-ghost" aria-hidden="true" style={style}>
      <span className="booking-time">{time(momentAt(draft, zone), zone)}</span>{" "}
      <strong>{draft.booking.customerInfo.name}</strong>
    </div>
  );
}

/** Says to those who do not see it where a booking is held. */
export function GhostWords() {
  const { t, time, day } = useText();
  const { zone, diary } = useCalendar();
  const draft = useDraft((state) => state.draft);
  const carer = diary.store.getState().columns.find(({ id }) => id === draft?.carerId);
  return (
    <p className="visually-hidden" role="status" data-testid="ghost-words">
      {draft &&
        t("bookings.held", {
          day: day(draft.day, "short"),
          time: time(momentAt(draft, zone), zone),
          carer: carer?.name ?? "",
        })}
    </p>
  );
}
