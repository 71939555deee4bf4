import type { Order } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { create } from "zustand";
import { configQuery } from "../../api/shop";

/** What a kitchen mostly says; any other number of minutes can be said too. */
export const PRESETS_MIN: readonly number[] = [10, 15, 20, 30, 45];
/** The server's bound: what takes longer than a day is not prepared while somebody waits. */
export const MINUTES_MAX = 1440;
/** Where neither this shop nor anybody here has said another. */
const USUAL_MIN = 20;
/** So long before the promised time it is told that it comes. */
const NEAR_MIN = 3;

interface ChosenState {
  /** What was chosen for an order that waits, null for no promise: its card may be out of sight when it is accepted. */
  chosen: Readonly<Record<string, number | null>>;
  choose: (id: string, minutes: number | null) => void;
}

const useChosen = create<ChosenState>()((set) => ({
  chosen: {},
  choose: (id, minutes) => set(({ chosen }) => ({ chosen: { ...chosen, [id]: minutes } })),
}));

/** What is proposed for every order: once for a board, not for each of its cards. */
export const useUsualMinutes = (): number => useQuery(configQuery).data?.preparationMinutes || USUAL_MIN;

/** In how many minutes an order is said to be ready once it is accepted; null for no promise. */
export function minutesOf(order: Order, usual: number): number | null {
  const chosen = useChosen.getState().chosen[order.id];
  return chosen === undefined ? proposed(order, usual) : chosen;
}

/** What is wanted later is promised for then, where nobody says another time. */
const proposed = ({ requestedTime }: Order, usual: number): number | null =>
  requestedTime == null ? usual : null;

/** The same as it is shown, and how to say another. */
export function usePreparation(
  order: Order,
  usual: number,
): [number | null, (minutes: number | null) => void] {
  const { id } = order;
  const chosen = useChosen(({ chosen }) => chosen[id]);
  const choose = useChosen((state) => state.choose);
  return [chosen === undefined ? proposed(order, usual) : chosen, (minutes) => choose(id, minutes)];
}

/** Whole minutes until the promised time; below zero where it has passed. */
export const minutesLeft = (promisedAt: string, now_ms: number): number =>
  Math.ceil((Date.parse(promisedAt) - now_ms) / 60_000);

/** How late an order is against what was promised; undefined where nothing was, or where it is ready. */
export function promiseLateness({ promisedAt, status }: Order, now_ms: number) {
  if (promisedAt == null || status !== "processing") return undefined;
  const left = minutesLeft(promisedAt, now_ms);
  return left <= 0 ? "very-late" : left <= NEAR_MIN ? "late" : "fine";
}
