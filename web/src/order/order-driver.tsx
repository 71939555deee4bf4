import type { Order } from "@ordercast/client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { assignDriver, deliveryQuery, driversQuery } from "../api/deliveries";
import { useText } from "../i18n/text";
import { SelectField } from "../ui/field";
import { ProblemNote } from "../ui/notes";
import { currentToken } from "../features/session/session";
import { choiceOf, DriverOptions, NEAREST } from "./driver-options";

/** Who brings the order and when it should be there; while it waits for a driver, the way to give it to one. */
export function OrderDriver({ order, onChanged }: { order: Order; onChanged: () => void }) {
  const { t, time } = useText();
  const { data } = useQuery({
    ...deliveryQuery(order.id, currentToken()),
    enabled: order.driverId !== null,
  });
  if (order.status === "ready_for_delivery") return <ChooseDriver order={order} onChanged={onChanged} />;
  if (order.driverId === null) return null;
  const { driver, eta, proof } = data ?? {};
  return (
    <section aria-labelledby="opened-driver">
      <h3 id="opened-driver">{t("opened.driver")}</h3>
      <p data-testid="opened-driver">
        {[driver?.name ?? t("person.driver"), eta && t("timeline.eta", { time: time(eta) })]
          .filter(Boolean)
          .join(" · ")}
      </p>
      {proof?.value && <p className="muted">{t("opened.proof", { proof: proof.value })}</p>}
    </section>
  );
}

function ChooseDriver({ order, onChanged }: { order: Order; onChanged: () => void }) {
  const { t } = useText();
  const [driverId, setDriverId] = useState(NEAREST);
  const drivers = useQuery(driversQuery(currentToken()));
  const giving = useMutation({
    mutationFn: () => assignDriver(order, choiceOf(driverId), currentToken()),
    onSettled: onChanged,
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!giving.isPending) giving.mutate();
  };
  return (
    <form className="note-form" onSubmit={submit}>
      <SelectField
        label={t("driver.label")}
        name="driver"
        data-testid="opened-driver-select"
        value={driverId}
        onChange={({ target }) => setDriverId(target.value)}
      >
        <DriverOptions drivers={drivers.data} />
      </SelectField>
      <button type="submit" className="button" data-testid="opened-driver-assign">
        {t("driver.assign")}
      </button>
      {giving.error && <ProblemNote error={giving.error} />}
    </form>
  );
}
