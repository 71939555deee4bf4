import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import AdminPage from "../../../src/features/admin";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { show } from "../../support/page";

let server: NodeServer;

beforeEach(async () => {
  server = await new NodeServer().start();
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items: [anOrder()], nextCursor: null, position: "e:1" } }));
  const staff = { id: "usr_1", email: "store@example.com", name: "Store", role: "store" };
  useSessionStore.getState().signIn({ token: "jwt", expiresIn: 3600, user: staff } as never, Date.now());
});

afterEach(async () => {
  useSessionStore.getState().forget();
  await server.stop();
});

it("says since when it is not live, and no more once it is again, at once when the network is back", async () => {
  show(<AdminPage />, server);
  const card = await screen.findByTestId("order-card");
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  expect(screen.queryByTestId("state-banner")).toBeNull();
  for (const socket of await server.io.fetchSockets())
    (socket as unknown as { conn: { close: () => void } }).conn.close();
  expect((await screen.findByTestId("state-banner")).textContent).toMatch(/^Not live: reconnecting since .+/);
  expect(card.closest("[data-stale]")).not.toBeNull();
  window.dispatchEvent(new Event("online"));
  await waitFor(() => expect(screen.queryByTestId("state-banner")).toBeNull());
  expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected");
});
