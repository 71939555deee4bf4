import type { Participant } from "../../api/conversations";
import type { MessageKey } from "../../i18n/en";
import type { Text } from "../../i18n/text";

const BY_ROLE: Record<string, MessageKey> = {
  store: "chat.shop",
  customer: "chat.customer",
  driver: "chat.driver",
  carer: "chat.carer",
};

/** How a participant is called: by name where it is known, else by what they are. */
export function nameOf({ participant, role, name }: Partial<Participant>, t: Text["t"]): string {
  const kind = (role ?? participant ?? "").split(":")[0] ?? "";
  return name ?? t(BY_ROLE[participant === "store" ? "store" : kind] ?? "chat.somebody");
}
