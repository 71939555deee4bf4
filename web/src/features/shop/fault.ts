import { Problem } from "../../api/problem";
import { problemWords } from "../../i18n/problem-words";
import type { Text } from "../../i18n/text";

/** What is wrong with fields of the form, in words, by the fields' names. */
export type Faults = Readonly<Record<string, string>>;

const OF_THE_FORM =
  /^((customerInfo|billingInfo|shippingInfo)(\.\w+)?|promoCode|requestedTime|cartItems\.\d+\.(quantity|productId|note))$/;

/**
 * The faults that a refusal names, where the form can show them; none for what belongs to no field.
 *
 * With one address for both, what is wrong with the shipping address is wrong with the billing fields.
 */
export function faultsIn(text: Text, error: Error | null, oneAddress: boolean): Faults {
  if (!(error instanceof Problem)) return {};
  const { field } = error;
  if (field === undefined || !OF_THE_FORM.test(field)) return {};
  const shown = oneAddress ? field.replace(/^shippingInfo/, "billingInfo") : field;
  // A part that is missing as a whole is missed at its first field.
  const name = /^(customerInfo|billingInfo|shippingInfo)$/.test(shown) ? `${shown}.${FIRST[shown]}` : shown;
  // Of a product that is gone its line says so.
  return { [name.replace(/\.productId$/, ".quantity")]: wordsFor(text, error, name) };
}

const FIRST: Readonly<Record<string, string>> = {
  customerInfo: "name",
  billingInfo: "line1",
  shippingInfo: "line1",
};

function wordsFor(text: Text, error: Problem, field: string): string {
  if (!error.is("invalid-field")) return problemWords(text, error);
  // The value is not of the form it should be, which the pages say in their own words.
  if (field === "customerInfo.email") return text.t("fault.email");
  if (field === "customerInfo.mobile") return text.t("fault.mobile");
  if (field === "promoCode") return text.t("fault.promoCode");
  if (field === "requestedTime") return text.t("fault.requestedTime");
  return text.t("fault.other");
}
