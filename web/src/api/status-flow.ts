import type { Fulfilment, Role, Status } from "@ordercast/client";
import { queryOptions } from "@tanstack/react-query";
import { get } from "./http";

export interface Transition {
  from: Status;
  to: Status;
  roles: Role[];
  needsReason: boolean;
  fulfilment: Fulfilment | null;
  /** Conditions that the server also looks at, by name. */
  guards: string[];
}

export interface StatusFlow {
  order: Transition[];
}

export const statusFlowQuery = queryOptions({
  queryKey: ["status-flow"],
  queryFn: ({ signal }) => get<StatusFlow>("/api/status-flow", { signal }),
  staleTime: Infinity,
});
