// Shows what the shop pushes while none of its pages is open. It is registered when somebody asks to be notified.

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/** @param {PushMessageData | null} data as Declarative Web Push has it, for browsers that show it by themselves */
async function show(data) {
  const { title, navigate, ...options } = read(data);
  const path = navigate === undefined ? "/" : pathOf(navigate);
  // What takes the place of another with its tag is heard too.
  await self.registration.showNotification(title, { ...options, data: { path }, renotify: "tag" in options });
}

function read(data) {
  try {
    const { notification } = data.json();
    if (typeof notification.title === "string") return notification;
  } catch {
    // Nothing that can be read: the browser wants something shown all the same.
  }
  return { title: "Ordercast" };
}

/** Of the shop as this browser reaches it, which may have other names. */
function pathOf(address) {
  const url = new URL(address, self.location.origin);
  return url.pathname + url.search + url.hash;
}

async function open(notification) {
  notification.close();
  const url = new URL(notification.data?.path ?? "/", self.location.origin).href;
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = tabs.find((tab) => tab.url === url);
  await (there === undefined ? self.clients.openWindow(url) : there.focus());
}

/** The push service has ended a subscription: another one takes its place, as whoever knows the former may ask. */
async function renew({ oldSubscription, newSubscription }) {
  if (!oldSubscription) return; // the page finds out when it is next opened
  const { key } = await (await fetch("/api/push/key")).json();
  const wanted = { userVisibleOnly: true, applicationServerKey: key };
  const subscription = newSubscription ?? (await self.registration.pushManager.subscribe(wanted));
  await fetch("/api/push/subscriptions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...subscription.toJSON(), replaces: oldSubscription.endpoint }),
  });
}
