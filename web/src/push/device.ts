import { devices, pushKey, subscribe, unsubscribe } from "../api/push";

/** Whether this browser is pushed to: it cannot be, must not be, is not, or is. */
export type DeviceState = "unsupported" | "denied" | "off" | "on";

const SCRIPT = "/service-worker.js";
const STORED = "ordercast.push";
/** Orders that were followed on this browser, one after another; who they are for, the server knows. */
const STORED_MAX = 100;

const isSupported = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** Of whoever has the token: on one browser several may be pushed to. */
export async function deviceState(token: string): Promise<DeviceState> {
  if (!isSupported()) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  if ((await currentSubscription()) === null) return "off";
  const ours = storedIds();
  return (await devices(token)).some(({ id }) => ours.includes(id)) ? "on" : "off";
}

/** Asks the person, then the push service, then the shop. Called from a click: a browser asks nobody unasked. */
export async function notifyHere(token: string, language: string): Promise<DeviceState> {
  if ((await Notification.requestPermission()) !== "granted") return deviceState(token);
  const registration = await navigator.serviceWorker.register(SCRIPT);
  await navigator.serviceWorker.ready;
  const subscription = await subscriptionOf(registration, await pushKey());
  const { id } = await subscribe(token, subscription.toJSON(), language);
  localStorage.setItem(STORED, JSON.stringify([...new Set([...storedIds(), id])].slice(-STORED_MAX)));
  return "on";
}

/** The shop pushes no more to whoever has the token here; others on this browser are pushed to as before. */
export async function silenceHere(token: string): Promise<void> {
  const subscription = await currentSubscription();
  if (subscription !== null) await unsubscribe(token, subscription.endpoint);
}

async function subscriptionOf(
  registration: ServiceWorkerRegistration,
  key: string,
): Promise<PushSubscription> {
  const wanted = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await registration.pushManager.subscribe(wanted);
  } catch (error) {
    // It is subscribed with the shop's former key, with which nobody can push to it any more.
    if (!(error instanceof DOMException && error.name === "InvalidStateError")) throw error;
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    return registration.pushManager.subscribe(wanted);
  }
}

async function currentSubscription(): Promise<PushSubscription | null> {
  if (!isSupported()) return null;
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager.getSubscription()) ?? null;
}

function storedIds(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(stored) ? stored.filter((id): id is string => typeof id === "string") : [];
  } catch {
    return [];
  }
}
