import type { Problem } from "../../api/problem";
import type { Text } from "../../i18n/text";

/** What the server finds wrong with one field of the form, named as the form names it. */
export interface Fault {
  field: string;
  message: string;
  /** The value is not of the form it should be, which the pages say in their own words. */
  malformed: boolean;
}
export type FaultAt = Fault | undefined;

/** What to say at `field`, if it is the one at fault. */
export function faultOf(t: Text["t"], fault: FaultAt, field: string): string | undefined {
  if (fault?.field !== field) return undefined;
  if (!fault.malformed) return fault.message;
  if (field === "customerInfo.email") return t("fault.email");
  if (field === "customerInfo.mobile") return t("fault.mobile");
  if (field === "promoCode") return t("fault.promoCode");
  return t("fault.other");
}

const OF_THE_FORM = /^((customerInfo|billingInfo|shippingInfo)\.\w+|promoCode|cartItems\.\d+\.quantity)$/;

/**
 * The fault where the form can show it, else undefined.
 *
 * With one address for both, what is wrong with the shipping address is wrong with the billing fields.
 */
export function faultIn(problem: Problem, oneAddress: boolean): FaultAt {
  const { field, message } = problem;
  if (field === undefined || !OF_THE_FORM.test(field)) return undefined;
  const malformed = problem.is("invalid-field");
  return { malformed, field: oneAddress ? field.replace(/^shippingInfo/, "billingInfo") : field, message };
}
