import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Order } from "@ordercast/client";
import DriverPage from "../../../src/features/driver";
import { useTaps } from "../../../src/features/driver/taps";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

const move = (from: string, to: string, needsReason = false) => ({
  from,
  to,
  roles: ["driver"],
  needsReason,
  fulfilment: null,
  guards: ["assigned_driver"],
});
const FLOW = {
  order: [
    move("driver_assigned", "picked_up"),
    move("picked_up", "in_transit"),
    move("in_transit", "delivery_failed", true),
    move("in_transit", "delivered"),
  ],
};

let server: NodeServer;
let orders: Map<string, Order>;
/** What the server was asked by sockets, in its order. */
let moves: Record<string, unknown>[];
let answering: boolean;

beforeEach(async () => {
  useTaps.setState({ taps: [] });
  const user = { id: "drv_1", name: "Rahim", email: "rahim@example.com", role: "driver" };
  useSessionStore
    .getState()
    .signIn({ token: "jwt", tokenType: "Bearer", expiresIn: 3600, user } as never, Date.now());
  orders = new Map(
    [
      anOrder({
        number: 1001,
        status: "driver_assigned",
        driverId: "drv_1",
        version: 4,
        amountToCollect: 144_00,
      }),
      anOrder({ number: 1002, status: "in_transit", driverId: "drv_1", version: 7 }),
      anOrder({ number: 1003, status: "in_transit", driverId: "drv_2" }),
    ].map((order) => [order.id, order]),
  );
  moves = [];
  answering = true;
  server = await new NodeServer().start();
  server.on("GET /api/status-flow", () => ({ body: FLOW }));
  server.on("GET /api/orders", ({ path }) => {
    const status = new URL(path, server.url).searchParams.get("status");
    return {
      body: { items: [...orders.values()].filter((order) => order.status === status), nextCursor: null },
    };
  });
  const seen = new Map<string, Order>();
  server.io.on("connection", (socket) => {
    socket.on("update_order_status", (asked: Record<string, string>, ack: (answer: unknown) => void) => {
      moves.push(asked);
      const { clientId = "", orderId = "", status } = asked;
      const order = orders.get(orderId);
      if (order === undefined) throw new Error(orderId);
      // As the server: what it did under that id is answered again, and done once.
      const done = seen.get(clientId) ?? {
        ...order,
        status: status as Order["status"],
        version: order.version + 1,
      };
      if (!seen.has(clientId) && Number(asked["version"]) !== order.version) {
        ack({ data: null, error: { code: "stale_version", message: "It has gone on.", current: order } });
        return;
      }
      seen.set(clientId, done);
      orders.set(orderId, done);
      if (answering) ack({ data: done, error: null });
      else socket.conn.close();
    });
  });
});

afterEach(async () => {
  await server.stop();
  vi.unstubAllGlobals();
});

const live = () =>
  waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
/** The first of them; there is one. */
function first<T>(found: readonly T[] | undefined): T {
  const [only] = found ?? [];
  if (only === undefined) throw new Error("There is none.");
  return only;
}
const orderOf = (id: string) => first([...orders.values()].filter((order) => order.id === id));
const press = async (id: string, to: string) => {
  const tasks = await screen.findAllByTestId("task");
  const task = first(tasks.filter(({ dataset }) => dataset["orderId"] === id));
  const steps = within(task).getAllByTestId("step");
  await userEvent.click(first(steps.filter(({ dataset }) => dataset["to"] === to)));
};

it("shows what is in hand first, whom to call, where to go and what to collect", async () => {
  show(<DriverPage />, server);
  const tasks = await screen.findAllByTestId("task");
  const [inHand, later] = [first(tasks), first(tasks.slice(1))];
  expect(tasks.map(({ dataset }) => dataset["orderId"])).toEqual(["ord_1002", "ord_1001"]);
  expect(within(inHand).getByTestId("task-call").getAttribute("href")).toBe("tel:+8801700000000");
  expect(within(inHand).getByTestId("task-navigate").getAttribute("href")).toBe(
    "https://www.openstreetmap.org/search?query=12%20Lake%20Road%2C%20Dhaka%2C%201207",
  );
  expect(within(later).getByTestId("task-cash").textContent).toContain("144");
  await expectAccessible();
});

it("brings an order by its stages, with the buyer's code as proof", async () => {
  show(<DriverPage />, server);
  await live();
  await press("ord_1002", "delivered");
  await userEvent.type(screen.getByTestId("handover-code"), "012345");
  await userEvent.click(screen.getByTestId("handover-submit"));
  await waitFor(() => expect(screen.getAllByTestId("task")).toHaveLength(1));
  expect(moves).toMatchObject([
    { orderId: "ord_1002", status: "delivered", version: 7, proof: { kind: "code", value: "012345" } },
  ]);
  expect(useTaps.getState().taps).toEqual([]);
});

it("keeps what is tapped without a connection, and sends it once, in its order", async () => {
  show(<DriverPage />, server);
  await live();
  answering = false;
  await press("ord_1001", "picked_up");
  await waitFor(() => expect(moves).toHaveLength(1));
  await press("ord_1001", "in_transit");
  expect(screen.getByTestId("taps-waiting").textContent).toContain("2");
  answering = true;
  await waitFor(() => expect(orders.get("ord_1001")?.status).toBe("in_transit"));
  await waitFor(() => expect(screen.queryByTestId("taps-waiting")).toBeNull());
  const ids = [...new Set(moves.map((asked) => asked["clientId"]))];
  expect(ids).toHaveLength(2);
  expect(orders.get("ord_1001")?.version).toBe(6);
});

it("goes on over a change that left the order where it was, and says why where it did not", async () => {
  show(<DriverPage />, server);
  await live();
  await screen.findAllByTestId("task");
  orders.set("ord_1001", { ...orderOf("ord_1001"), version: 9 });
  await press("ord_1001", "picked_up");
  await waitFor(() => expect(orders.get("ord_1001")).toMatchObject({ status: "picked_up", version: 10 }));

  orders.set("ord_1002", { ...orderOf("ord_1002"), status: "on_hold", version: 20 });
  await press("ord_1002", "delivery_failed");
  await userEvent.click(first(screen.getAllByTestId("why-not")));
  await waitFor(() => expect(useTaps.getState().taps).toMatchObject([{ refusal: "It has gone on." }]));
  expect(orders.get("ord_1002")?.status).toBe("on_hold");
});

it("says how sharing the position stands, and reports it", async () => {
  const places: unknown[] = [];
  server.io.on("connection", (socket) => {
    socket.on("driver_location", (place: unknown, ack: (answer: unknown) => void) => {
      places.push(place);
      ack({ data: { taken: true }, error: null });
    });
  });
  let found: PositionCallback = () => undefined;
  let failed: PositionErrorCallback = () => undefined;
  const geolocation = {
    watchPosition: (onPlace: PositionCallback, onError: PositionErrorCallback) => {
      [found, failed] = [onPlace, onError];
      return 1;
    },
    clearWatch: () => undefined,
  };
  Object.defineProperty(navigator, "geolocation", { value: geolocation, configurable: true });
  show(<DriverPage />, server);
  await live();
  const state = () => screen.getByTestId("position-state").dataset["state"];
  expect(state()).toBe("off");
  await userEvent.click(screen.getByTestId("share-position"));
  expect(state()).toBe("searching");
  const coords = { latitude: 23.78, longitude: 90.4, accuracy: 8 };
  found({ coords, timestamp: Date.now() } as GeolocationPosition);
  await waitFor(() => expect(state()).toBe("shared"));
  expect(places).toEqual([{ lat: 23.78, lng: 90.4, accuracy: 8 }]);
  failed({ code: 1, PERMISSION_DENIED: 1 } as GeolocationPositionError);
  await waitFor(() => expect(state()).toBe("denied"));
  Reflect.deleteProperty(navigator, "geolocation");
});
