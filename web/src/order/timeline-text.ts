import type { Order } from "@ordercast/client";
import type { TimelineEntry } from "../api/order-archive";
import { statusLabel } from "../i18n/statuses";
import type { Text } from "../i18n/text";

const ROLES = ["admin", "store", "customer", "guest", "driver", "service", "carer"] as const;
const PAYMENTS = ["requested", "authorized", "captured", "voided", "failed"] as const;
const REFUNDS = ["pending", "succeeded", "failed"] as const;
const NOTICES = ["sent", "received", "opened", "board", "push", "mail", "webhook"] as const;

/** Who it was, as people call them: by name, or by what they are to the shop. */
export function personOf(t: Text["t"], { actor, actorName }: TimelineEntry): string | undefined {
  if (actor === undefined || actor === null) return undefined;
  const role = ROLES.find((each) => each === actor.split(":")[0]);
  return actorName ?? t(role === undefined ? "person.program" : `person.${role}`);
}

/** What happened, in a few words. */
export function titleOf({ t, money }: Text, entry: TimelineEntry, order: Order): string {
  const { kind, fromStatus, toStatus, toPaymentStatus, amount, currency, step } = entry;
  const sum = money(amount ?? 0, currency ?? order.currency);
  switch (kind) {
    case "moved":
      if (!fromStatus) return t("timeline.placed");
      return toStatus ? statusLabel(t, toStatus, order.fulfilment) : t("timeline.changed");
    case "payment_changed":
      return toPaymentStatus ? t(`paymentStatus.${toPaymentStatus}`) : t("timeline.changed");
    case "payment": {
      const known = PAYMENTS.find((each) => each === step);
      return t(known === undefined ? "timeline.changed" : `timeline.payment.${known}`, { amount: sum });
    }
    case "refund": {
      const known = REFUNDS.find((each) => each === step);
      return t(known === undefined ? "timeline.changed" : `timeline.refund.${known}`, { amount: sum });
    }
    case "notice": {
      const known = NOTICES.find((each) => each === step);
      return t(known === undefined ? "timeline.changed" : `timeline.notice.${known}`);
    }
    case "message":
      return t("timeline.message");
    case "note":
      return t("timeline.note");
    default:
      return t("timeline.changed");
  }
}
