import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Together } from "../../../src/features/admin/together";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { hidden: false });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("runs the first at once, and what follows closely together, in its order", () => {
  const together = new Together(100);
  const ran: number[] = [];
  for (const each of [1, 2, 3]) together.run(() => ran.push(each));
  expect(ran).toEqual([1]);
  vi.advanceTimersByTime(100);
  expect(ran).toEqual([1, 2, 3]);
  vi.advanceTimersByTime(100);
  together.run(() => ran.push(4));
  expect(ran).toEqual([1, 2, 3, 4]);
});

it("runs what is due when it is told to, and not once more", () => {
  const together = new Together(100);
  const ran: number[] = [];
  for (const each of [1, 2, 3]) together.run(() => ran.push(each));
  together.flush();
  expect(ran).toEqual([1, 2, 3]);
  vi.advanceTimersByTime(1_000);
  expect(ran).toEqual([1, 2, 3]);
});

it("forgets what is due once it is stopped, and makes nobody wait on a page that is hidden", () => {
  const together = new Together(100);
  const ran: number[] = [];
  for (const each of [1, 2]) together.run(() => ran.push(each));
  together.stop();
  vi.advanceTimersByTime(1_000);
  expect(ran).toEqual([1]);
  vi.stubGlobal("document", { hidden: true });
  for (const each of [3, 4]) together.run(() => ran.push(each));
  expect(ran).toEqual([1, 3, 4]);
});
