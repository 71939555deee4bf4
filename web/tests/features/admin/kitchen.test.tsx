import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it } from "vitest";
import KitchenPage from "../../../src/features/admin/kitchen";
import { useBumps } from "../../../src/features/admin/kitchen/bumps";
import { toMake } from "../../../src/features/admin/kitchen/to-make";
import { useBoardSettings } from "../../../src/features/admin/settings";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
const STAFF = { id: "usr_1", email: "store@example.com", name: "Store", role: "store" };
const preparing = (number: number) =>
  anOrder({
    number,
    status: "processing",
    createdAt: `2026-01-05T10:00:0${number % 10}.000Z`,
    cartItems: anOrder().cartItems.map((line) => ({ ...line, note: "No sugar" })),
  });

async function kitchen(undo_s: number): Promise<void> {
  useBoardSettings.getState().change({ undo_s });
  server = await new NodeServer().start();
  const items = [preparing(3001), preparing(3002), anOrder({ number: 3003 })];
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items, nextCursor: null, position: "e:1" } }))
    .on("POST /api/orders/ord_3001/status", () => ({
      body: { ...preparing(3001), status: "ready_for_delivery", version: 2 },
    }));
  useSessionStore.getState().signIn({ token: "jwt", expiresIn: 3600, user: STAFF } as never, Date.now());
  show(<KitchenPage />, server);
  await waitFor(() => expect(screen.getAllByTestId("bump")).toHaveLength(2));
}

const numbers = () => screen.queryAllByTestId("kitchen-ticket").map(({ dataset }) => dataset["orderId"]);

beforeEach(() => useBumps.setState({ bumped: [], recalled: [] }));
afterEach(async () => {
  useSessionStore.getState().forget();
  useBoardSettings.getState().change({ undo_s: 0 });
  await server.stop();
});

it("shows what is prepared, how many of each item that is, and what buyers wish; no money", async () => {
  await kitchen(0);
  expect(numbers()).toEqual(["ord_3001", "ord_3002"]);
  expect(screen.getByTestId("kitchen-counts").textContent).toBe("4 Masala chai");
  expect(document.querySelector("main")?.textContent).toContain("No sugar");
  expect(document.querySelector("main")?.textContent).not.toContain("BDT");
  const [first] = screen.getAllByTestId("kitchen-item");
  await user.click(first as HTMLElement);
  expect(first?.getAttribute("aria-pressed")).toBe("true");
  await expectAccessible();
});

it("bumps a ticket by keys, and calls back what was sent already to be looked at", async () => {
  await kitchen(0);
  await user.keyboard("1{Enter}");
  await waitFor(() => expect(numbers()).toEqual(["ord_3002"]));
  expect(server.askedFor("POST /api/orders/ord_3001/status")[0]?.body).toEqual({
    status: "ready_for_delivery",
    version: 1,
  });
  await user.keyboard("r");
  await waitFor(() => expect(numbers()).toEqual(["ord_3001", "ord_3002"]));
  await expectAccessible();
  await user.click(screen.getByTestId("recall-dismiss"));
  expect(numbers()).toEqual(["ord_3002"]);
});

it("takes back what was not sent yet", async () => {
  await kitchen(60);
  const [first] = screen.getAllByTestId("kitchen-ticket");
  await user.click(within(first as HTMLElement).getByTestId("bump"));
  await waitFor(() => expect(numbers()).toEqual(["ord_3002"]));
  await user.click(screen.getByTestId("recall"));
  await waitFor(() => expect(numbers()).toEqual(["ord_3001", "ord_3002"]));
  expect(server.askedFor("POST /api/orders/ord_3001/status")).toEqual([]);
});

it("counts the same item of several orders together, the most first", () => {
  const line = { productId: "p1", name: "Chai", quantity: 2 };
  const other = { productId: "p2", name: "Samosa", quantity: 5 };
  const orders = [[line], [line, other], [{ ...line, note: "no sugar" }]].map((cartItems, index) =>
    anOrder({ number: 4000 + index, cartItems: cartItems as never }),
  );
  expect(toMake(orders)).toEqual([
    { name: "Chai", count: 6 },
    { name: "Samosa", count: 5 },
  ]);
});
