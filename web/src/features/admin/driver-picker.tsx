import type { Order } from "@ordercast/client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { assignDriver, driversQuery } from "../../api/deliveries";
import { useText } from "../../i18n/text";
import { currentToken } from "../session/session";
import { choiceOf, DriverOptions, NEAREST } from "../../order/driver-options";
import { useBoardContext } from "./board-context";

/** The form's id: the button that sends it stands where a card has its next step. */
export const pickerOf = ({ id }: Order): string => `driver-of-${id}`;

/** Gives an order that waits for a driver to one of them, or to the nearest who is free. */
export function DriverPicker({ order }: { order: Order }) {
  const { t } = useText();
  const { board, moves } = useBoardContext();
  const select = useId();
  const [driverId, setDriverId] = useState(NEAREST);
  const drivers = useQuery({
    ...driversQuery(currentToken()),
    enabled: order.status === "ready_for_delivery",
    staleTime: 60_000,
  });
  const assigning = useMutation({
    mutationFn: async () => {
      // What was pressed before comes first; it may make another version of the order.
      await moves.sendNow(order.id);
      const now = board.store.getState().orders.get(order.id) ?? order;
      return assignDriver(now, choiceOf(driverId), currentToken());
    },
    onSuccess: (changed) => {
      board.setOutcome(order.id, undefined);
      board.merge([changed]);
    },
    onError: (error) => board.setOutcome(order.id, error),
  });
  if (order.status !== "ready_for_delivery") return null;
  return (
    <form
      id={pickerOf(order)}
      className="driver-picker"
      onSubmit={(event) => {
        event.preventDefault();
        if (!assigning.isPending) assigning.mutate();
      }}
    >
      <label htmlFor={select}>{t("driver.label")}</label>
      <select
        id={select}
        value={driverId}
        data-testid="driver-select"
        onChange={(event) => setDriverId(event.target.value)}
      >
        <DriverOptions drivers={drivers.data} />
      </select>
    </form>
  );
}
