import { expect, it } from "vitest";
import { addDays, isDay, mondayOf, momentAt, wallTime } from "../../src/i18n/zone";

it.each([
  ["2026-12-01T09:00:00.000Z", "Asia/Dhaka", "2026-12-01", 15 * 60],
  ["2026-12-01T19:30:00.000Z", "Asia/Dhaka", "2026-12-02", 90],
  ["2026-07-01T03:15:00.000Z", "America/New_York", "2026-06-30", 23 * 60 + 15],
  ["2026-12-01T00:00:00.000Z", "Asia/Kathmandu", "2026-12-01", 5 * 60 + 45],
])("%s is by the clock of %s %s, minute %d, and back", (at, zone, day, minute) => {
  expect(wallTime(at, zone)).toEqual({ day, minute });
  expect(momentAt({ day, minute }, zone)).toBe(at);
});

it("takes what the clock leaps over as much later, and the first of what it shows twice", () => {
  const zone = "America/New_York";
  expect(momentAt({ day: "2026-03-08", minute: 150 }, zone)).toBe("2026-03-08T07:30:00.000Z");
  expect(momentAt({ day: "2026-11-01", minute: 90 }, zone)).toBe("2026-11-01T05:30:00.000Z");
});

it("counts days over the ends of months, and knows which are none", () => {
  expect(addDays("2026-02-27", 2)).toBe("2026-03-01");
  expect(mondayOf("2026-12-06")).toBe("2026-11-30");
  expect(mondayOf("2026-11-30")).toBe("2026-11-30");
  expect(["2026-02-28", "2026-02-30", "tomorrow", null].map(isDay)).toEqual([true, false, false, false]);
});
