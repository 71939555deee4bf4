import type { Problem } from "../../api/problem";

/** What the server finds wrong with one field of the form, named as the form names it. */
export interface Fault {
  field: string;
  message: string;
}
export type FaultAt = Fault | undefined;

export const faultOf = (fault: FaultAt, field: string): string | undefined =>
  fault?.field === field ? fault.message : undefined;

const OF_THE_FORM = /^(customerInfo|billingInfo|shippingInfo)\.\w+$/;

/**
 * The fault where the form can show it, else undefined.
 *
 * With one address for both, what is wrong with the shipping address is wrong with the billing fields.
 */
export function faultIn(problem: Problem, oneAddress: boolean): FaultAt {
  const { field, message } = problem;
  if (field === undefined || !OF_THE_FORM.test(field)) return undefined;
  return { field: oneAddress ? field.replace(/^shippingInfo/, "billingInfo") : field, message };
}
