import type { Choice, Driver } from "../api/deliveries";
import { useText } from "../i18n/text";

/** The value of the option that leaves the choice to the server. */
export const NEAREST = "";

export const choiceOf = (value: string): Choice =>
  value === NEAREST ? { nearest: true } : { driverId: value };

/** To whom an order can be given: the nearest who is free, or one of the drivers. */
export function DriverOptions({ drivers }: { drivers: readonly Driver[] | undefined }) {
  const { t } = useText();
  return (
    <>
      <option value={NEAREST}>{t("driver.nearest")}</option>
      {drivers?.map(({ id, name, onDuty, orders }) => (
        <option key={id} value={id}>
          {t(onDuty ? "driver.working" : "driver.resting", { name, count: orders })}
        </option>
      ))}
    </>
  );
}
