import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import AdminPage from "../../../src/features/admin";
import { useBoardSettings } from "../../../src/features/admin/settings";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
let told: [string, unknown][] = [];
const waiting = anOrder({ id: "ord_1", number: 1001 });
const moved = anOrder({ id: "ord_2", number: 1002, status: "processing", version: 2 });
const step = { at: "2026-01-05T10:00:01.200Z", seconds: 1.23, by: "store:usr_1", name: "Asha" };

beforeEach(async () => {
  useBoardSettings.getState().change({ undo_s: 0 });
  told = [];
  server = await new NodeServer().start();
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items: [waiting, moved], nextCursor: null, position: "e:1" } }))
    .on("GET /api/orders/ord_1/notice", () => ({
      body: {
        orderId: "ord_1",
        committedAt: "2026-01-05T10:00:00.000Z",
        sent: null,
        received: { ...step, screens: 1, screensMore: false },
        opened: null,
        escalations: [],
      },
    }));
  server.io.on("connection", (socket) => {
    for (const command of ["notice_received", "notice_opened"])
      socket.on(command, (argument: unknown, ack: (answer: unknown) => void) => {
        told.push([command, argument]);
        ack({ data: { unknown: [] }, error: null });
      });
  });
  const user_ = { id: "usr_1", email: "store@example.com", name: "Store", role: "store" };
  useSessionStore.getState().signIn({ token: "jwt", expiresIn: 3600, user: user_ } as never, Date.now());
});

afterEach(async () => {
  vi.restoreAllMocks();
  useSessionStore.getState().forget();
  await server.stop();
});

const card = (number: number) =>
  waitFor(() => {
    const cards = screen.getAllByTestId("order-card");
    const found = cards.find((each) => each.textContent.includes(`#${number}`));
    if (found === undefined) throw new Error(`no card of ${number}`);
    return found;
  });

const lookAt = async (number: number) => {
  await user.click(await card(number));
};

it("tells once which waiting orders this screen has painted, and which its person has opened", async () => {
  show(<AdminPage />, server);
  await waitFor(() => expect(told).toEqual([["notice_received", { orderIds: ["ord_1"] }]]));
  await lookAt(1001);
  await waitFor(() => expect(told.at(-1)).toEqual(["notice_opened", { orderId: "ord_1" }]));
  expect((await screen.findByTestId("order-notice")).textContent).toMatch(
    /On a screen of Asha at .*, 1.2 s after/,
  );
  server.io.emit("newOrder", { ...waiting, seq: 5 }, "e:5");
  server.io.emit("newOrder", { ...anOrder({ id: "ord_3", number: 1003 }), seq: 6 }, "e:6");
  await waitFor(() => expect(told.at(-1)).toEqual(["notice_received", { orderIds: ["ord_3"] }]));
  expect(told).toHaveLength(3);
  await expectAccessible();
});

it("tells nothing while nobody can see the page, and all of it when somebody can", async () => {
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  show(<AdminPage />, server);
  await card(1001);
  await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  server.io.emit("newOrder", { ...anOrder({ id: "ord_3", number: 1003 }), seq: 6 }, "e:6");
  await card(1003);
  expect(told).toEqual([]);
  visibility.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  await waitFor(() => expect(told).toHaveLength(1));
  expect(told[0]?.[0]).toBe("notice_received");
  expect(new Set((told[0]?.[1] as { orderIds: string[] }).orderIds)).toEqual(new Set(["ord_1", "ord_3"]));
});

it("marks an order that nobody has opened, until somebody does", async () => {
  show(<AdminPage />, server);
  await card(1001);
  await waitFor(() => expect(told).toHaveLength(1));
  server.io.emit("order_unseen", { orderId: "ord_2", number: 1002, step: "board" }, "e:7");
  server.io.emit("order_unseen", { orderId: "ord_1", number: 1001, step: "board" }, "e:8");
  await waitFor(() =>
    expect(screen.getByTestId("unseen").textContent).toBe("Order 1001 waits, and nobody has opened it."),
  );
  expect((await card(1001)).className).toContain("order--unseen");
  expect((await card(1002)).className).not.toContain("order--unseen");
  await expectAccessible();
  await lookAt(1001);
  await waitFor(async () => expect((await card(1001)).className).not.toContain("order--unseen"));
});
