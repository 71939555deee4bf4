import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it } from "vitest";
import AdminPage from "../../../src/features/admin";
import { useBoardSettings } from "../../../src/features/admin/settings";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
const orders = [1, 2, 3].map((number) =>
  anOrder({ number, createdAt: `2026-01-05T10:0${number}:00.000Z`, fulfilment: "pickup" }),
);

beforeEach(async () => {
  useBoardSettings.getState().change({ undo_s: 0 });
  server = await new NodeServer().start();
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items: orders, nextCursor: null, position: "e:1" } }));
  for (const number of [1, 2, 3])
    server.on(`POST /api/orders/ord_${number}/status`, () => ({
      body: { ...orders[number - 1], status: "processing", version: 2 },
    }));
  const staff = { id: "usr_1", email: "store@example.com", name: "Store", role: "store" };
  useSessionStore.getState().signIn({ token: "jwt", expiresIn: 3600, user: staff } as never, Date.now());
});

afterEach(async () => {
  history.replaceState(null, "", "/");
  useSessionStore.getState().forget();
  await server.stop();
});

async function board(): Promise<void> {
  show(<AdminPage />, server);
  await waitFor(() => expect(screen.getAllByTestId("order-card")).toHaveLength(3));
  await waitFor(() => expect(screen.getAllByText("Accept")).toHaveLength(3));
}

const focused = () => (document.activeElement as HTMLElement).dataset["orderId"];
const statusOf = (id: string) =>
  screen.getAllByTestId("order-card").find(({ dataset }) => dataset["orderId"] === id)?.dataset["status"];

it("goes from card to card by arrows, and Enter accepts one and goes on to the next", async () => {
  await board();
  await user.keyboard("{ArrowDown}");
  expect(focused()).toBe("ord_1");
  await user.keyboard("{ArrowDown}{ArrowUp}{ArrowDown}{Enter}");
  await waitFor(() => expect(statusOf("ord_2")).toBe("processing"));
  await waitFor(() => expect(focused()).toBe("ord_3"));
  await user.keyboard("{Enter}");
  await waitFor(() => expect(statusOf("ord_3")).toBe("processing"));
  await waitFor(() => expect(focused()).toBe("ord_1"));
  await user.keyboard("{ArrowRight}");
  expect(focused()).toBe("ord_2");
  expect(screen.queryAllByTestId("order-gone")).toEqual([]);
});

it("keeps the place of a card that was accepted under the pointer until that leaves", async () => {
  await board();
  const [first] = screen.getAllByText("Accept");
  await user.click(first as HTMLElement);
  await waitFor(() => expect(statusOf("ord_1")).toBe("processing"));
  const gone = screen.getByTestId("order-gone");
  expect(gone.dataset["orderId"]).toBe("ord_1");
  expect(gone.parentElement?.nextElementSibling).toBe(screen.getAllByTestId("order-card")[0]?.parentElement);
  await waitFor(() => expect(focused()).toBe("ord_2"));
  await user.hover(screen.getByRole("heading", { level: 1 }));
  expect(screen.queryByTestId("order-gone")).toBeNull();
});

it("finds by the number as it is printed, says when nothing matches, and keeps the search in the address", async () => {
  await board();
  await user.keyboard("/#3");
  expect(screen.getAllByTestId("order-card").map(({ dataset }) => dataset["orderId"])).toEqual(["ord_3"]);
  expect(location.search).toBe("?q=%233");
  await user.keyboard("99");
  expect(screen.getByTestId("no-match").textContent).toContain("No match for “#399”");
  await expectAccessible();
  await user.click(screen.getByText("Show all orders"));
  expect(screen.getAllByTestId("order-card")).toHaveLength(3);
  expect(location.search).toBe("");
});

it("shows what its address asks for", async () => {
  history.replaceState(null, "", "/admin?stage=new&q=%232");
  show(<AdminPage />, server);
  await waitFor(() => expect(screen.getAllByTestId("order-card")).toHaveLength(1));
  expect(screen.getAllByTestId("order-card")[0]?.dataset["orderId"]).toBe("ord_2");
  expect(screen.getByRole("button", { name: "New 3" }).getAttribute("aria-pressed")).toBe("true");
});

it("tells its keys when asked, and gives the focus back", async () => {
  await board();
  await user.keyboard("?");
  expect(screen.getByRole("dialog", { name: "Keys" })).toBeTruthy();
  await expectAccessible();
  await user.click(screen.getByText("Close"));
  expect(screen.queryByRole("dialog")).toBeNull();
});
