import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Route } from "wouter";
import TrackPage from "../../../src/features/track";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
let delivery = {};

beforeEach(async () => {
  useSessionStore.getState().forget();
  delivery = {
    orderId: "ord_1001",
    stage: "in_transit",
    driver: { id: "drv_1", name: "Rahim" },
    attempts: 0,
    position: { lat: 23.7806, lng: 90.4074, accuracy: 5, at: "2026-01-05T10:00:00.000Z" },
    eta: inMinutes(20),
    proof: null,
    code: "012345",
  };
  server = await new NodeServer().start();
  server
    .on("GET /api/orders/ord_1001", () => ({ body: anOrder({ status: "in_transit", driverId: "drv_1" }) }))
    .on("GET /api/orders/ord_1001/history", () => ({ body: { items: [] } }))
    .on("GET /api/orders/ord_1001/delivery", () => ({ body: delivery }));
  history.replaceState(null, "", "/track/ord_1001?token=trk_1");
});

afterEach(() => server.stop());

it("says who brings the order, when, and by which code", async () => {
  show(<Route path="/track/:id" component={TrackPage} />, server);
  expect((await screen.findByTestId("delivery")).textContent).toContain("Rahim brings your order.");
  expect(screen.getByTestId("delivery-eta").textContent).toContain("about 20 minutes");
  expect(screen.getByTestId("delivery-code").textContent).toBe("012345");
  await expectAccessible();
});

it("moves with the driver", async () => {
  show(<Route path="/track/:id" component={TrackPage} />, server);
  await screen.findByTestId("delivery");
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  const place = { lat: 23.7901, lng: 90.4, at: "2026-01-05T10:01:00.000Z" };
  const told = { number: 1001, stage: "in_transit", driver: { id: "drv_1" }, position: place };
  server.io.emit("delivery_update", { ...told, orderId: "ord_9", eta: inMinutes(3) });
  server.io.emit("delivery_update", { ...told, orderId: "ord_1001", eta: inMinutes(7) });
  await waitFor(() => expect(screen.getByTestId("delivery-eta").textContent).toContain("about 7 minutes"));
  expect(screen.getByTestId("delivery-position").textContent).toContain("Last seen on the way at");
  expect(screen.getByRole("link", { name: "Show on a map" }).getAttribute("href")).toBe(
    "https://www.openstreetmap.org/?mlat=23.7901&mlon=90.4#map=17/23.7901/90.4",
  );
});

it("reads the delivery anew at each stage", async () => {
  show(<Route path="/track/:id" component={TrackPage} />, server);
  await screen.findByTestId("delivery");
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  delivery = { ...delivery, driver: { id: "drv_2", name: "Karim" } };
  const told = { orderId: "ord_1001", number: 1001, stage: "driver_assigned", driver: null, position: null };
  server.io.emit("delivery_update", { ...told, eta: null }, "e:7");
  await waitFor(() => expect(screen.getByTestId("delivery").textContent).toContain("Karim"));
});
