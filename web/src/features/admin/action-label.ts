import type { Fulfilment, Order, Status } from "@ordercast/client";
import { statusLabel } from "../../i18n/statuses";
import type { Text } from "../../i18n/text";

interface Action {
  from: Status;
  to: Status;
}

/** What pressing does, where the name of the state would not say it. */
export function actionOf(t: Text["t"], { from, to }: Action, fulfilment: Fulfilment): string {
  if (to === "rejected") return t("action.reject");
  if (to === "cancelled") return t("action.cancel");
  if (to === "on_hold") return t("action.hold");
  if (from === "on_hold") return t("action.resume");
  if (to === "processing") return t("action.accept");
  if (from === "driver_assigned" && to === "ready_for_delivery") return t("action.unassign");
  return statusLabel(t, to, fulfilment);
}

type Tone = "forward" | "aside" | "against";
const TONES: readonly Tone[] = ["forward", "aside", "against"];

const AGAINST: ReadonlySet<Status> = new Set([
  "cancelled",
  "rejected",
  "delivery_failed",
  "returning",
  "returned",
]);

/** Whether a move leads on, aside, or ends an order otherwise than it was meant to. */
export function toneOf({ from, to }: Action): Tone {
  if (AGAINST.has(to)) return "against";
  return to === "on_hold" || from === "driver_assigned" ? "aside" : "forward";
}

/** What is pressed most first, what undoes an order last. */
export const byTone = (a: Action, b: Action) => TONES.indexOf(toneOf(a)) - TONES.indexOf(toneOf(b));

/** Whether a person is asked why, though the shop's table may not want it. */
export const asksWhy = (move: Action & { needsReason: boolean }, order: Order): boolean =>
  move.needsReason || (toneOf(move) !== "forward" && move.to !== order.heldFrom);
