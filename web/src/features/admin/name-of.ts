import type { HistoryEntry } from "../../api/orders";
import type { Text } from "../../i18n/text";

const ROLES = ["admin", "store", "customer", "guest", "driver", "service"] as const;

/** Who made a move, as people call them: by name, or by what they are to the shop. */
export function nameOf(
  t: Text["t"],
  { actor, actorName }: Pick<HistoryEntry, "actor" | "actorName">,
): string {
  const role = ROLES.find((each) => each === actor.split(":")[0]);
  return actorName ?? t(role === undefined ? "actor.other" : `actor.${role}`);
}
