import type { Order, Status } from "@ordercast/client";
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { randomKey } from "../../api/idempotency-key";
import type { Schemas } from "../../api/schemas";

export type Proof = Schemas["Proof"];

/** A stage that a driver has tapped and that the server has not answered. */
export interface Tap {
  /** Under which the server does it once, however often it is sent. */
  readonly clientId: string;
  readonly orderId: string;
  readonly number: number;
  /** Who tapped: nobody else who signs in at this telephone sends it. */
  readonly driverId: string;
  readonly from: Status;
  readonly status: Status;
  /** The order's, as it was seen; unknown while a tap before this one waits. */
  readonly version: number | undefined;
  readonly reason?: string;
  readonly proof?: Proof;
  /** Why the server will never take it as it is. */
  readonly refusal?: string;
}

export type Step = Pick<Tap, "status" | "reason" | "proof">;

interface TapState {
  taps: readonly Tap[];
  /** Keeps the next step of an order as it is shown, that is with the steps before it done. */
  add: (driverId: string, shown: Pick<Order, "id" | "number" | "status" | "version">, step: Step) => void;
  /** It was done: the next one of the order may be sent. */
  done: (tap: Tap, version: number) => void;
  /** The order has another version by now; what is sent is another command, with an id of its own. */
  renumber: (tap: Tap, version: number) => void;
  /** It never will be done, and neither will what was tapped after it. */
  refuse: (tap: Tap, refusal: string) => void;
  dismiss: (orderId: string) => void;
}

/** What waits to be sent, in the order in which it was tapped; it outlives the tab, as a telephone closes them. */
export const useTaps = create<TapState>()(
  persist(
    (set, get) => ({
      taps: [],
      add: (driverId, { id, number, status, version }, step) => {
        const follows = waitingOf(get().taps, id).length > 0;
        const tap = { clientId: randomKey(), orderId: id, number, driverId, from: status, ...step };
        set({ taps: [...get().taps, { ...tap, version: follows ? undefined : version }] });
      },
      done: (tap, version) => {
        const left = get().taps.filter(({ clientId }) => clientId !== tap.clientId);
        const next = waitingOf(left, tap.orderId)[0]?.clientId;
        set({ taps: left.map((each) => (each.clientId === next ? { ...each, version } : each)) });
      },
      renumber: ({ clientId }, version) =>
        set(({ taps }) => ({
          taps: taps.map((each) =>
            each.clientId === clientId ? { ...each, version, clientId: randomKey() } : each,
          ),
        })),
      refuse: ({ clientId, orderId }, refusal) =>
        set(({ taps }) => ({
          taps: taps
            .filter((each) => each.clientId === clientId || each.orderId !== orderId)
            .map((each) => (each.clientId === clientId ? { ...each, refusal } : each)),
        })),
      dismiss: (orderId) =>
        set(({ taps }) => ({
          taps: taps.filter((each) => each.orderId !== orderId || each.refusal === undefined),
        })),
    }),
    { name: "ordercast.taps" },
  ),
);

/** Those of one order that are still to be sent. */
export const waitingOf = (taps: readonly Tap[], orderId: string): Tap[] =>
  taps.filter((tap) => tap.orderId === orderId && tap.refusal === undefined);
