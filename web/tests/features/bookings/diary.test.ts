import { expect, it } from "vitest";
import type { Booking } from "../../../src/api/bookings";
import { cellOf, Diary } from "../../../src/features/bookings/diary";
import { inLanes } from "../../../src/features/bookings/lanes";

const DAY = "2026-12-01";
const CARERS = [
  { id: "car_1", name: "Rina" },
  { id: "car_2", name: "Kamal" },
];

const booking = (id: string, hour: number, more: Partial<Booking> = {}): Booking =>
  ({
    id,
    number: 1,
    version: 1,
    status: "confirmed",
    carerId: "car_1",
    carerName: "Rina",
    startsAt: `${DAY}T${String(hour).padStart(2, "0")}:00:00.000Z`,
    endsAt: `${DAY}T${String(hour + 1).padStart(2, "0")}:00:00.000Z`,
    ...more,
  }) as Booking;

const diaryOf = (...bookings: Booking[]) => {
  const diary = new Diary([DAY], "UTC");
  diary.begin();
  diary.fill(bookings, CARERS);
  return diary;
};
const idsIn = (diary: Diary, carerId = "car_1") =>
  (diary.store.getState().cells.get(cellOf(DAY, carerId)) ?? []).map((each) => each.booking.id);

it("keeps each booking with its carer, by time", () => {
  const diary = diaryOf(booking("b", 11), booking("a", 9), booking("c", 10, { carerId: "car_2" }));
  expect(idsIn(diary)).toEqual(["a", "b"]);
  expect(idsIn(diary, "car_2")).toEqual(["c"]);
});

it("moves what changes, leaves other cells as they are, and takes nothing that is older", () => {
  const diary = diaryOf(booking("a", 9), booking("b", 10, { carerId: "car_2" }), booking("c", 11));
  const before = diary.store.getState().cells.get(cellOf(DAY, "car_2"));
  diary.put(booking("a", 12, { version: 3 }));
  diary.put(booking("a", 8, { version: 2 }));
  expect(idsIn(diary)).toEqual(["c", "a"]);
  expect(diary.store.getState().cells.get(cellOf(DAY, "car_2"))).toBe(before);
  diary.put(booking("a", 12, { version: 4, carerId: "car_2" }));
  expect(idsIn(diary)).toEqual(["c"]);
  diary.put({ ...booking("a", 12, { version: 5 }), startsAt: "2026-12-02T12:00:00.000Z" });
  expect(idsIn(diary, "car_2")).toEqual(["b"]);
});

it("forgets what is gone from what was read, and keeps what was heard meanwhile", () => {
  const diary = diaryOf(booking("a", 9), booking("b", 10));
  diary.begin();
  diary.put(booking("c", 11));
  diary.put(booking("b", 12, { version: 2 }));
  diary.fill([booking("b", 10)], CARERS);
  expect(idsIn(diary)).toEqual(["c", "b"]);
});

it("has a column for whoever is booked and is no carer of the shop, and none for others where a carer looks", () => {
  const diary = diaryOf(booking("a", 9, { carerId: "car_9", carerName: "Former" }));
  expect(diary.store.getState().columns.map(({ name }) => name)).toEqual(["Former", "Kamal", "Rina"]);
  const own = new Diary([DAY], "UTC", "car_1");
  own.fill([booking("a", 9), booking("b", 9, { carerId: "car_2" })], CARERS.slice(0, 1));
  own.put(booking("a", 9, { version: 2, carerId: "car_2" }));
  expect(idsIn(own)).toEqual([]);
  expect(own.store.getState().columns).toHaveLength(1);
});

it("places what overlaps beside each other, and what follows alone", () => {
  const diary = diaryOf(booking("a", 9), booking("b", 9), booking("c", 10));
  const entries = diary.store.getState().cells.get(cellOf(DAY, "car_1")) ?? [];
  expect(inLanes(entries).map(({ lane, lanes }) => [lane, lanes])).toEqual([
    [0, 2],
    [1, 2],
    [0, 1],
  ]);
});
