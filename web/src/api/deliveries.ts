import type { Order } from "@ordercast/client";
import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { Schemas } from "./schemas";

export type Delivery = Schemas["ShownDelivery"];
export type Driver = Schemas["Driver"];

/** A driver by id, or whoever is free and nearest to the shop. */
export type Choice = { driverId: string } | { nearest: true };

const at = (id: string) => `/api/orders/${encodeURIComponent(id)}`;

export const deliveryQuery = (id: string, token: string | undefined) =>
  queryOptions({
    queryKey: ["delivery", id, token],
    queryFn: ({ signal }) => get<Delivery>(`${at(id)}/delivery`, { token, signal }),
  });

export const driversQuery = (token: string | undefined) =>
  queryOptions({
    queryKey: ["drivers"],
    queryFn: async ({ signal }) => {
      const { items } = await get<Schemas["DriverPage"]>("/api/drivers?limit=100", { token, signal });
      return items.filter(({ active }) => active);
    },
    staleTime: 10_000,
  });

export const assignDriver = (order: Order, choice: Choice, token: string | undefined) =>
  post<Order>(`${at(order.id)}/driver`, { ...choice, version: order.version }, { token });

/** Begins or ends the work of the driver whose token it is. */
export const setDuty = (onDuty: boolean, token: string | undefined) =>
  post<Driver>("/api/drivers/me/duty", { onDuty }, { token });
