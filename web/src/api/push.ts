import { get, post, put, remove } from "./http";
import type { Schemas } from "./schemas";

export type Preferences = Schemas["ShownPreferences"];
export type WantedPreferences = Schemas["Preferences"];
/** The API's document knows the topics as names of any kind. */
export const TOPICS = ["orders", "deliveries", "payments", "bookings", "chat", "reminders", "shop"] as const;
export type Topic = (typeof TOPICS)[number];
export type Way = Schemas["Channel"];

export const pushKey = async () => (await get<Schemas["PushKey"]>("/api/push/key")).key;

/** The browsers that whoever has the token is pushed to on. */
export const devices = async (token: string) =>
  (await get<Schemas["PushDeviceList"]>("/api/push/subscriptions", { token })).items;

export const subscribe = (token: string, subscription: PushSubscriptionJSON, language: string) =>
  post<Schemas["PushDevice"]>("/api/push/subscriptions", { ...subscription, language }, { token });

export const unsubscribe = (token: string, endpoint: string) =>
  remove("/api/push/subscriptions", { token, body: { endpoint } });

const PREFERENCES = "/api/me/notification-preferences";

export const preferences = (token: string, signal: AbortSignal) =>
  get<Preferences>(PREFERENCES, { token, signal });

export const savePreferences = (token: string, wanted: WantedPreferences) =>
  put<Preferences>(PREFERENCES, wanted, { token });
