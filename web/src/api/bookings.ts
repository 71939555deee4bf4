import { queryOptions } from "@tanstack/react-query";
import { get, getFile, post } from "./http";
import type { Schemas } from "./schemas";

export type Booking = Schemas["Booking"];
export type BookingStatus = Schemas["BookingStatus"];
export type BookingPage = Schemas["BookingPage"];
export type Carer = Schemas["Carer"];

const PATH = "/api/bookings";
const at = (id: string) => `${PATH}/${encodeURIComponent(id)}`;
const PAGE = 100;

/** The bookings of a day of the shop's clock, in its order. */
export const fetchDay = (day: string, cursor: string | null, token: string | undefined) =>
  get<BookingPage>(
    `${PATH}?day=${day}&limit=${PAGE}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    { token },
  );

export const bookingQuery = (id: string, token: () => string | undefined) =>
  queryOptions({
    queryKey: ["booking", id],
    queryFn: ({ signal }) => get<Booking>(at(id), { token: token(), signal }),
    retry: false,
  });

/** The shop's carers, to the last; a carer is told of themself. */
export async function fetchCarers(isCarer: boolean, token: string | undefined): Promise<Carer[]> {
  if (isCarer) return [await get<Carer>("/api/carers/me", { token })];
  const carers: Carer[] = [];
  let cursor: string | null = null;
  do {
    const page: Schemas["CarerPage"] = await get<Schemas["CarerPage"]>(
      `/api/carers?limit=${PAGE}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
      { token },
    );
    carers.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return carers;
}

export interface StatusChange {
  status: BookingStatus;
  version: number;
  reason?: string;
}

export const changeBooking = (id: string, body: StatusChange, token: string | undefined, key: string) =>
  post<Booking>(`${at(id)}/status`, body, { token, idempotencyKey: key });

export interface Rescheduling {
  startsAt: string;
  version: number;
  carerId?: string;
  reason?: string;
}

export const rescheduleBooking = (id: string, body: Rescheduling, token: string | undefined, key: string) =>
  post<Booking>(`${at(id)}/reschedule`, body, { token, idempotencyKey: key });

/** Whether it can be shown: back ends publish bookings of their own under the same names. */
export function isBooking(candidate: unknown): candidate is Booking {
  if (typeof candidate !== "object" || candidate === null) return false;
  const { id, version, status, startsAt, endsAt, carerId } = candidate as Record<string, unknown>;
  return (
    [id, status, carerId].every((each) => typeof each === "string") &&
    typeof version === "number" &&
    [startsAt, endsAt].every((each) => typeof each === "string" && !Number.isNaN(Date.parse(each)))
  );
}

/** Has the browser keep the booking's calendar file. */
export async function saveCalendarFile({ id, number }: Booking, token: string | undefined): Promise<void> {
  const file = await getFile(`${at(id)}/calendar`, { token });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `booking-${number}.ics`;
  link.click();
  URL.revokeObjectURL(link.href);
}

export type Service = Schemas["Service"];
export type Slots = Schemas["Slots"];
export type BookService = Schemas["BookService"];
export type MadeBooking = Schemas["MadeBooking"];

const SERVICES_MAX = 100;

export const servicesQuery = queryOptions({
  queryKey: ["services"],
  queryFn: async ({ signal }) =>
    (await get<Schemas["ServicePage"]>(`/api/services?limit=${SERVICES_MAX}`, { signal })).items,
});

/** When the service may begin within some days from one on, with that carer or with whoever is free. */
export const slotsQuery = (serviceId: string, from: string, to: string, carerId: string) =>
  queryOptions({
    queryKey: ["slots", serviceId, from, to, carerId],
    queryFn: ({ signal }) =>
      get<Slots>(
        `/api/services/${encodeURIComponent(serviceId)}/slots?from=${from}&to=${to}` +
          (carerId === "" ? "" : `&carerId=${encodeURIComponent(carerId)}`),
        { signal },
      ),
  });

export const bookService = (body: BookService, token: string | undefined, key: string) =>
  post<MadeBooking>(PATH, body, { token, idempotencyKey: key });

export const cancelBooking = (
  { id, version }: Booking,
  reason: string,
  token: string | undefined,
  key: string,
) => post<Booking>(`${at(id)}/cancel`, { reason, version }, { token, idempotencyKey: key });
