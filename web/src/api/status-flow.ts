import type { Fulfilment, Role, Status } from "@ordercast/client";
import { queryOptions } from "@tanstack/react-query";
import { get } from "./http";

export interface Transition {
  from: Status | null;
  to: Status;
  roles: Role[];
  needsReason: boolean;
  fulfilment?: Fulfilment | null;
}

export interface StatusFlow {
  order: Transition[];
  labels: Partial<Record<Status, { en: string; bn: string }>>;
  legacy: Record<string, unknown>;
}

export const statusFlowQuery = queryOptions({
  queryKey: ["status-flow"],
  queryFn: ({ signal }) => get<StatusFlow>("/api/status-flow", { signal }),
  staleTime: Infinity,
});
