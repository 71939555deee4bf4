import { queryOptions } from "@tanstack/react-query";
import { get } from "./http";
import type { Schemas } from "./schemas";

export type Transition = Schemas["Move"];
/** What the pages read of it. */
export type StatusFlow = Pick<Schemas["StatusFlow"], "order" | "booking" | "bookingReschedule">;
export type BookingMove = Schemas["BookingMove"];

export const statusFlowQuery = queryOptions({
  queryKey: ["status-flow"],
  queryFn: ({ signal }) => get<StatusFlow>("/api/status-flow", { signal }),
  staleTime: Infinity,
});
