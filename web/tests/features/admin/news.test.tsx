import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it } from "vitest";
import AdminPage from "../../../src/features/admin";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
const waiting = anOrder({ status: "ready_for_delivery", version: 3 });
const spread = { count: 0, median: null, p90: null, p99: null };
const today = {
  date: "2026-01-05",
  tz: "UTC",
  currency: "BDT",
  orders: 3,
  ordered: 0,
  revenue: 144_00,
  byStatus: {},
  byHour: [],
  preparation: { ...spread, count: 1, median: 480 },
  delivery: spread,
  open: { count: 2, oldestSeconds: 1, ages: {} },
  latency: null,
  at: "2026-01-05T10:00:00.000Z",
};
const notice = {
  id: "ntf_1",
  title: "Payment trouble",
  text: "The payment of order 1001 is now failed.",
  titleBn: "পেমেন্টে সমস্যা",
  textBn: "সমস্যা",
  link: "/admin",
  severity: "error",
  orderId: "ord_1001",
  createdAt: "2026-01-05T10:00:00.000Z",
  readAt: null as string | null,
};
let unread = 1;

beforeEach(async () => {
  unread = 1;
  server = await new NodeServer().start();
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items: [waiting], nextCursor: null, position: "e:1" } }))
    .on("GET /api/stats", () => ({ body: today }))
    .on("GET /api/notifications", () => ({ body: { items: [notice], nextCursor: null, unread } }))
    .on("POST /api/notifications/read", () => ({ body: { unread: (unread = 0) } }))
    .on("GET /api/drivers", () => ({
      body: {
        items: [
          { id: "drv_1", name: "Rahim", active: true, onDuty: true, position: null, orders: 0 },
          { id: "drv_2", name: "Gone", active: false, onDuty: false, position: null, orders: 0 },
        ],
        nextCursor: null,
      },
    }))
    .on("POST /api/orders/ord_1001/driver", () => ({
      body: { ...waiting, status: "driver_assigned", driverId: "drv_1", version: 4 },
    }));
  const staff = { id: "usr_1", email: "store@example.com", name: "Store", role: "store" };
  useSessionStore.getState().signIn({ token: "jwt", expiresIn: 3600, user: staff } as never, Date.now());
});

afterEach(async () => {
  useSessionStore.getState().forget();
  await server.stop();
});

it("shows today in figures, and moves them when they are told", async () => {
  show(<AdminPage />, server);
  expect((await screen.findByTestId("stats.orders")).textContent).toBe("3");
  expect(screen.getByTestId("stats.preparation").textContent).toBe("8 min");
  expect(screen.getByTestId("stats.delivery").textContent).toBe("–");
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  server.io.emit("stats", { ...today, orders: 4 });
  await waitFor(() => expect(screen.getByTestId("stats.orders").textContent).toBe("4"));
  await expectAccessible();
});

it("counts what was not read, shows it, and marks it as read", async () => {
  show(<AdminPage />, server);
  const bell = await screen.findByTestId("notices");
  await waitFor(() => expect(screen.getByTestId("notices-unread").textContent).toBe("1 unread"));
  expect(bell.getAttribute("aria-expanded")).toBe("false");
  await user.click(bell);
  expect(bell.getAttribute("aria-expanded")).toBe("true");
  expect(screen.getByText(notice.text)).toBeTruthy();
  await expectAccessible();
  await user.click(screen.getByRole("button", { name: "Mark all as read" }));
  await waitFor(() => expect(screen.getByTestId("notices-unread").textContent).toBe(""));
});

it("counts anew when a notification is heard", async () => {
  show(<AdminPage />, server);
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  await waitFor(() => expect(screen.getByTestId("notices-unread").textContent).toBe("1 unread"));
  unread = 2;
  const words = { title: "t", text: "t", titleBn: "t", textBn: "t", link: "/admin", severity: "info" };
  const told = { id: "evt_1", seq: 2, notificationId: "ntf_2", orderId: null, at: "2026-01-05T10:00:00Z" };
  server.io.emit("notification", { ...told, ...words }, "e:2");
  await waitFor(() => expect(screen.getByTestId("notices-unread").textContent).toBe("2 unread"));
});

it.each([
  ["", { nearest: true, version: 3 }],
  ["drv_1", { driverId: "drv_1", version: 3 }],
])("gives an order to the driver who is chosen: %o", async (choice, body) => {
  show(<AdminPage />, server);
  const select = await screen.findByTestId("driver-select");
  await screen.findByRole("option", { name: "Rahim, on duty, 0 orders" });
  expect(screen.queryByRole("option", { name: /Gone/ })).toBeNull();
  await user.selectOptions(select, choice);
  await user.click(screen.getByTestId("driver-assign"));
  await waitFor(() => expect(screen.getByTestId("order-card").dataset["status"]).toBe("driver_assigned"));
  expect(server.askedFor("POST /api/orders/ord_1001/driver")[0]?.body).toEqual(body);
  expect(screen.queryByTestId("driver-select")).toBeNull();
});
