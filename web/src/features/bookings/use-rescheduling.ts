import { useMutation } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { type Booking, type Rescheduling, rescheduleBooking } from "../../api/bookings";
import { IdempotencyKey } from "../../api/idempotency-key";
import { momentAt } from "../../i18n/zone";
import { currentToken } from "../session/session";
import type { Diary } from "./diary";
import { type Draft, useDraft } from "./draft";

export interface Wanted {
  booking: Booking;
  startsAt: string;
  carerId: string;
  reason?: string | undefined;
}

/** Asks the server for another time or carer; what it refuses, it says why. */
export function useRescheduling(diary: Diary, zone: string) {
  const keys = useMemo(() => new IdempotencyKey(), []);
  const { mutate, reset, error, variables, isPending } = useMutation({
    mutationFn: ({ booking, startsAt, carerId, reason }: Wanted) => {
      // In the version of now: another's change is not undone, it is seen.
      const { id, version } = diary.get(booking.id) ?? booking;
      const body: Rescheduling = { startsAt, version, carerId, ...(reason && { reason }) };
      return rescheduleBooking(id, body, currentToken(), keys.for({ id, ...body }));
    },
    onSuccess: (booking) => diary.put(booking),
    onSettled: () => useDraft.getState().set(undefined),
  });
  const drop = useCallback(
    (draft: Draft) => {
      const startsAt = momentAt(draft, zone);
      const { booking, carerId } = draft;
      if (Date.parse(startsAt) === Date.parse(booking.startsAt) && carerId === booking.carerId)
        useDraft.getState().set(undefined);
      else mutate({ booking, startsAt, carerId });
    },
    [mutate, zone],
  );
  return { drop, ask: mutate, reset, error, wanted: variables, isPending };
}
