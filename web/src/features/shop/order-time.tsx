import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { openingQuery, orderTimesQuery } from "../../api/opening";
import { useText } from "../../i18n/text";
import { useShipping } from "../../stores/shipping";
import { SelectField } from "../../ui/field";
import type { Faults } from "./fault";

/** When the buyer wants to have it: as soon as possible, or at a time at which the shop is open, by its clock. */
export default function OrderTime({ faults }: { faults: Faults }) {
  const { t, dateTime, date } = useText();
  const { requestedTime, setRequestedTime } = useShipping();
  const { times, timezone } = useQuery(orderTimesQuery).data ?? {};
  const isOpen = useQuery(openingQuery).data?.isOpen ?? true;
  const isOffered = requestedTime === null || times === undefined || times.includes(requestedTime);
  // Of an earlier visit, or the shop has other hours since.
  useEffect(() => {
    if (!isOffered) setRequestedTime(null);
  }, [isOffered, setRequestedTime]);
  const days = new Map<string, string[]>();
  for (const each of times ?? []) {
    const name = date(each, timezone);
    days.set(name, [...(days.get(name) ?? []), each]);
  }
  return (
    <SelectField
      label={t("checkout.when")}
      name="requestedTime"
      data-testid="requested-time"
      value={requestedTime ?? ""}
      error={faults.requestedTime}
      {...(!isOpen && { hint: t("checkout.laterHint") })}
      onChange={({ target }) => setRequestedTime(target.value || null)}
    >
      <option value="">{t("checkout.asap")}</option>
      {[...days].map(([name, ofDay]) => (
        <optgroup key={name} label={name}>
          {ofDay.map((each) => (
            <option key={each} value={each}>
              {dateTime(each, timezone)}
            </option>
          ))}
        </optgroup>
      ))}
    </SelectField>
  );
}
