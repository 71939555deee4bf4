import { Problem } from "../api/problem";
import type { MessageKey } from "./en";
import type { Text } from "./text";

/** Of those that a buyer may meet, by the end of their `type`. */
const BY_TYPE: Readonly<Record<string, MessageKey>> = {
  "payment-declined": "problem.declined",
  "payment-provider-unavailable": "problem.provider",
  "payment-provider-refused": "problem.declined",
  "promotion-refused": "problem.promotion",
  "shop-closed": "closed.paused",
  "out-of-stock": "problem.outOfStock",
  "time-not-free": "problem.timeNotFree",
  "unknown-product": "cart.gone",
  "price-changed": "problem.priceChanged",
  "not-payable": "problem.notPayable",
  "stale-version": "problem.stale",
  "state-conflict": "problem.stale",
  "illegal-transition": "problem.stale",
  "not-permitted": "problem.notPermitted",
  "not-found": "problem.notFound",
  "too-many-attempts": "problem.tooOften",
  "too-many-waiting": "problem.waiting",
  "invalid-field": "fault.other",
  "sign-in-required": "problem.signIn",
  "token-refused": "problem.signIn",
  "address-taken": "problem.addressTaken",
};

/**
 * What went wrong, in the page's language. The server's sentence is in English, and says more; where that is not what
 * is read here, the kind of problem has words of its own.
 */
export function problemWords({ t, locale }: Pick<Text, "t" | "locale">, error: Error): string {
  if (!(error instanceof Problem)) return error.message;
  if (error.unreachable) return t("problem.unreachable");
  if (locale === "en") return error.message;
  const type = error.body.type?.split("/").at(-1) ?? "";
  return t(BY_TYPE[type] ?? "problem.other", { count: error.body.left ?? 0 });
}
