import type { Fulfilment, Status } from "@ordercast/client";
import type { Locale } from "./tags";
import type { Text } from "./text";

/** What is collected was never on the road, so "delivered" would read oddly. */
export function statusLabel(t: Text["t"], status: Status, fulfilment: Fulfilment): string {
  return status === "delivered" && fulfilment === "pickup" ? t("status.collected") : t(`status.${status}`);
}

/** What was booked, as it was called then. */
export function serviceName(
  { serviceName: name, serviceNameBn }: { serviceName: string; serviceNameBn?: string },
  locale: Locale,
): string {
  return locale === "bn" && serviceNameBn ? serviceNameBn : name;
}
