import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it } from "vitest";
import AdminPage from "../../../src/features/admin";
import { promiseLateness } from "../../../src/features/admin/preparation";
import { useBoardSettings } from "../../../src/features/admin/settings";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
const STAFF = { id: "usr_1", email: "store@example.com", name: "Store", role: "store" };

async function board(order = anOrder(), config: Record<string, unknown> = {}): Promise<void> {
  server = await new NodeServer().start();
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items: [order], nextCursor: null, position: "e:1" } }));
  useSessionStore.getState().signIn({ token: "jwt", expiresIn: 3600, user: STAFF } as never, Date.now());
  show(<AdminPage />, server, config);
  await screen.findByTestId("order-card");
}

const accepted = () => server.askedFor("POST /api/orders/ord_2001/status")[0]?.body;

async function accept(): Promise<void> {
  server.on("POST /api/orders/ord_2001/status", () => ({
    body: anOrder({ number: 2001, status: "processing", version: 2 }),
  }));
  const button = await waitFor(() => {
    const found = screen.getAllByTestId("status-button").find((each) => each.dataset["to"] === "processing");
    if (found === undefined) throw new Error("not there yet");
    return found;
  });
  await user.click(button);
  await waitFor(() => expect(accepted()).toBeDefined());
}

beforeEach(() => {
  useBoardSettings.getState().change({ undo_s: 0 });
});

afterEach(async () => {
  useSessionStore.getState().forget();
  await server.stop();
});

it("accepts an order with the time that was chosen for it", async () => {
  await board(anOrder({ number: 2001 }));
  await user.selectOptions(screen.getByTestId("preparation"), "30");
  await expectAccessible();
  await accept();
  expect(accepted()).toEqual({ status: "processing", version: 1, preparationMinutes: 30 });
});

it("accepts it with any number of minutes, or without saying one", async () => {
  await board(anOrder({ number: 2001 }));
  await user.selectOptions(screen.getByTestId("preparation"), "Another time…");
  await user.type(screen.getByTestId("minutes-input"), "25");
  await expectAccessible();
  await user.click(screen.getByTestId("minutes-submit"));
  expect(screen.getByTestId<HTMLSelectElement>("preparation").value).toBe("25");
  await user.selectOptions(screen.getByTestId("preparation"), "Say no time");
  await accept();
  expect(accepted()).toEqual({ status: "processing", version: 1 });
});

it("proposes what the shop mostly says", async () => {
  await board(anOrder({ number: 2002 }), { preparationMinutes: 45 });
  await waitFor(() => expect(screen.getByTestId<HTMLSelectElement>("preparation").value).toBe("45"));
});

it("shows what was promised and what a buyer wishes, and promises another time with a reason", async () => {
  const promisedAt = new Date(Date.now() + 12 * 60_000).toISOString();
  const lines = anOrder().cartItems.map((line) => ({ ...line, note: "No sugar, please" }));
  await board(
    anOrder({
      number: 2001,
      status: "processing",
      promisedAt,
      cartItems: lines,
    }),
  );
  const card = screen.getByTestId("order-card");
  expect(within(card).getByTestId("order-promised").textContent).toMatch(
    /^Ready by \d\d:\d\d 1[12] min left$/,
  );
  expect(card.textContent).toContain("No sugar, please");
  server.on("POST /api/orders/ord_2001/promised-time", () => ({
    body: anOrder({ number: 2001, status: "processing", version: 2, promisedAt: null }),
  }));
  await user.click(within(card).getByTestId("order-menu"));
  await user.click(await screen.findByTestId("promise-open"));
  await user.click(screen.getByText("45 min"));
  await user.click(screen.getByText("The kitchen is too busy"));
  await expectAccessible();
  await user.click(screen.getByTestId("minutes-submit"));
  await waitFor(() => expect(screen.queryByTestId("order-promised")).toBeNull());
  expect(server.askedFor("POST /api/orders/ord_2001/promised-time")[0]?.body).toEqual({
    preparationMinutes: 45,
    reason: "The kitchen is too busy",
    version: 1,
  });
});

it("is late by what was promised, while it is prepared", () => {
  const order = anOrder({ status: "processing", promisedAt: "2026-01-05T10:20:00.000Z" });
  const at = (time: string) => promiseLateness(order, Date.parse(`2026-01-05T${time}:00.000Z`));
  expect([at("10:00"), at("10:17"), at("10:20")]).toEqual(["fine", "late", "very-late"]);
  expect(promiseLateness({ ...order, status: "ready_for_pickup" }, 0)).toBeUndefined();
});
