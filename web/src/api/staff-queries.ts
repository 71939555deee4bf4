import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { Schemas } from "./schemas";

export type Stats = Schemas["Stats"];
export type NotificationPage = Schemas["NotificationPage"];

export const statsQuery = (token: string | undefined) =>
  queryOptions({
    queryKey: ["stats"],
    queryFn: ({ signal }) => get<Stats>("/api/stats", { token, signal }),
  });

export const notificationsQuery = (token: string | undefined) =>
  queryOptions({
    queryKey: ["notifications"],
    queryFn: ({ signal }) => get<NotificationPage>("/api/notifications?limit=20", { token, signal }),
  });

/** Asked for anew with each change of the order: who moves it has opened it. */
export const noticeQuery = ({ id, version }: { id: string; version: number }, token: string | undefined) =>
  queryOptions({
    queryKey: ["notice", id, version],
    queryFn: ({ signal }) =>
      get<Schemas["OrderNotice"]>(`/api/orders/${encodeURIComponent(id)}/notice`, { token, signal }),
  });

export const readAll = (token: string | undefined) =>
  post<{ unread: number }>("/api/notifications/read", undefined, { token });
