import type { Address } from "@ordercast/client";

/** Where most orders of this shop go; a select keeps it an ISO 3166 code. */
export const EMPTY_ADDRESS: Address = { name: "", line1: "", city: "", postcode: "", country: "BD" };
