import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import AdminPage from "../../../src/features/admin";
import { useBoardSettings } from "../../../src/features/admin/settings";
import { useSessionStore } from "../../../src/features/session/session";
import { NodeServer } from "../../support/node-server";
import { anOrder, FLOW } from "../../support/orders";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
const LOGIN = {
  token: "jwt",
  expiresIn: 3600,
  user: { id: "usr_1", email: "store@example.com", name: "Store", role: "store" },
};

beforeEach(async () => {
  useBoardSettings.getState().change({ undo_s: 0 });
  server = await new NodeServer().start();
  server
    .on("GET /api/status-flow", () => ({ body: FLOW }))
    .on("GET /api/orders", () => ({ body: { items: [anOrder()], nextCursor: null, position: "e:1" } }));
  useSessionStore.getState().forget();
});

afterEach(async () => {
  useSessionStore.getState().forget();
  await server.stop();
});

function signedIn(): void {
  useSessionStore.getState().signIn(LOGIN as never, Date.now());
}

/** Presses what stands behind the card's menu. */
const choose = async (card: HTMLElement, to: string) => {
  await user.click(await within(card).findByTestId("order-menu"));
  const entries = await screen.findAllByTestId("status-button");
  const entry = entries.find((each) => each.dataset["to"] === to && each.role === "menuitem");
  if (entry === undefined) throw new Error(`no entry to ${to}`);
  await user.click(entry);
};

const button = (card: HTMLElement, to: string) =>
  waitFor(() => {
    const found = within(card)
      .getAllByTestId("status-button")
      .find((each) => each.dataset["to"] === to);
    if (found === undefined) throw new Error(`no button to ${to}`);
    return found;
  });

describe("signing in", () => {
  it("shows the board to staff, connected by their token", async () => {
    let token: unknown;
    server.io.use((socket, next) => {
      token = socket.handshake.auth["token"];
      next();
    });
    server.on("POST /api/auth/login", () => ({ body: LOGIN }));
    show(<AdminPage />, server);
    await user.type(screen.getByTestId("login-email"), "store@example.com");
    await user.type(screen.getByTestId("login-password"), "secret");
    await expectAccessible();
    await user.click(screen.getByTestId("login-submit"));
    expect((await screen.findByTestId("order-name")).textContent).toBe("Asha Rahman");
    expect(server.askedFor("POST /api/auth/login")[0]?.body).toEqual({
      email: "store@example.com",
      password: "secret",
    });
    expect(server.askedFor("GET /api/orders")[0]?.headers.authorization).toBe("Bearer jwt");
    await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
    expect(token).toBe("jwt");
    await expectAccessible();
  });

  it("says so when the password does not match", async () => {
    server.on("POST /api/auth/login", () => ({ status: 401, body: { title: "Unauthorized", status: 401 } }));
    show(<AdminPage />, server);
    await user.type(screen.getByTestId("login-email"), "store@example.com");
    await user.type(screen.getByTestId("login-password"), "wrong{Enter}");
    expect((await screen.findByRole("alert")).textContent).toBe("E-mail and password do not match.");
  });

  it("is asked for again when the socket's token is refused", async () => {
    server.io.use((_socket, next) =>
      next(Object.assign(new Error("old"), { data: { code: "token_expired" } })),
    );
    signedIn();
    show(<AdminPage />, server);
    expect(await screen.findByTestId("login-email")).toBeTruthy();
  });

  it("goes on with the browser's cookie when the socket's token is refused", async () => {
    const shown: unknown[] = [];
    server.io.use((socket, next) => {
      shown.push(socket.handshake.auth["token"]);
      next(
        shown.length === 1 ? Object.assign(new Error("old"), { data: { code: "token_expired" } }) : undefined,
      );
    });
    server.on("POST /api/auth/refresh", () => ({ body: { ...LOGIN, token: "fresh" } }));
    signedIn();
    show(<AdminPage />, server);
    await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
    expect(shown).toEqual(["jwt", "fresh"]);
  });

  it("renews its token before the end, on the connection that it has", async () => {
    const renewed: unknown[] = [];
    let connections = 0;
    server.io.on("connection", (socket) => {
      connections += 1;
      socket.on("auth_refresh", (credentials: unknown, ack: (...answer: unknown[]) => void) => {
        renewed.push(credentials);
        ack({ data: { expiresAt: 1 }, error: null });
      });
    });
    server.on("POST /api/auth/refresh", () => ({ body: { ...LOGIN, token: "fresh" } }));
    signedIn();
    show(<AdminPage />, server);
    await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
    // Only now is the end near: what connects after a renewal has nothing to be shown.
    act(() => useSessionStore.getState().signIn({ ...LOGIN, expiresIn: 1 } as never, Date.now()));
    await waitFor(() => expect(renewed).toEqual([{ token: "fresh" }]));
    expect(connections).toBe(1);
    expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected");
    expect(useSessionStore.getState().session?.token).toBe("fresh");
  });

  it("is over, here and on the server, when one signs out", async () => {
    server.on("POST /api/auth/logout", () => ({ body: {} }));
    signedIn();
    show(<AdminPage />, server);
    await user.click(await screen.findByTestId("board-menu"));
    await user.click(await screen.findByText("Sign out"));
    expect(await screen.findByTestId("login-email")).toBeTruthy();
    await waitFor(() => {
      expect(server.askedFor("POST /api/auth/logout")[0]?.headers.authorization).toBe("Bearer jwt");
    });
  });

  it("does not show the board to a customer", () => {
    useSessionStore
      .getState()
      .signIn({ ...LOGIN, user: { ...LOGIN.user, role: "customer" } } as never, Date.now());
    show(<AdminPage />, server);
    expect(screen.queryByTestId("socket-state")).toBeNull();
    expect(location.pathname).toBe("/shop");
  });
});

describe("the live board", () => {
  it("shows a new order with name, total and mobile, says it, and counts it in the title", async () => {
    signedIn();
    show(<AdminPage />, server);
    await screen.findByTestId("order-card");
    await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
    const customerInfo = { name: "Rafi Islam", email: "rafi@example.com", mobile: "+8801811" };
    const createdAt = "2026-01-05T12:00:00.000Z";
    server.io.emit("newOrder", anOrder({ number: 1002, total: 250_50, customerInfo, createdAt }), "e:2.1");
    await screen.findByText("Rafi Islam");
    const card = screen.getAllByTestId("order-card").at(-1);
    expect(card?.dataset).toMatchObject({ orderId: "ord_1002", status: "pending" });
    expect(within(card as HTMLElement).getByTestId("order-total").textContent).toBe("BDT\u00a0250.50");
    expect(within(card as HTMLElement).getByTestId("order-mobile").textContent).toBe("+8801811");
    expect(
      screen.getByText("New order 1002 from Rafi Islam, BDT\u00a0250.50", { normalizer: String }),
    ).toBeTruthy();
    await waitFor(() => expect(document.title).toBe("(2) Orders · Ordercast"));
  });

  it("moves an order by its button, naming the version it saw, and the focus follows the card", async () => {
    server.on("POST /api/orders/ord_1001/status", () => ({
      body: anOrder({ status: "processing", version: 2 }),
    }));
    signedIn();
    show(<AdminPage />, server);
    await user.click(await button(await screen.findByTestId("order-card"), "processing"));
    await waitFor(() => expect(screen.getByTestId("order-card").dataset["status"]).toBe("processing"));
    expect(server.askedFor("POST /api/orders/ord_1001/status")[0]?.body).toEqual({
      status: "processing",
      version: 1,
      preparationMinutes: 20,
    });
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("order-card")));
  });

  it("asks for a reason where the table wants one", async () => {
    server.on("POST /api/orders/ord_1001/status", () => ({
      body: anOrder({ status: "cancelled", version: 2 }),
    }));
    signedIn();
    show(<AdminPage />, server);
    await choose(await screen.findByTestId("order-card"), "cancelled");
    expect(await screen.findByRole("dialog", { name: "Cancel: order 1001" })).toBeTruthy();
    await expectAccessible();
    await user.click(screen.getByTestId("reason-submit"));
    expect(server.askedFor("POST /api/orders/ord_1001/status")).toEqual([]);
    await user.type(screen.getByTestId("reason-input"), "Customer telephoned");
    await user.click(screen.getByTestId("reason-submit"));
    await waitFor(() => expect(server.askedFor("POST /api/orders/ord_1001/status")).toHaveLength(1));
    await waitFor(() => expect(screen.getByTestId("order-card").dataset["status"]).toBe("cancelled"));
    expect(server.askedFor("POST /api/orders/ord_1001/status")[0]?.body).toEqual({
      status: "cancelled",
      version: 1,
      reason: "Customer telephoned",
    });
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("tells who was quicker, and shows the order as it stands now", async () => {
    server
      .on("POST /api/orders/ord_1001/status", () => ({
        status: 409,
        body: { title: "Stale", status: 409, current: "rejected", version: 2, allowed: [] },
      }))
      .on("GET /api/orders/ord_1001", () => ({ body: anOrder({ status: "rejected", version: 2 }) }))
      .on("GET /api/orders/ord_1001/history", () => ({
        body: {
          items: [
            {
              version: 1,
              fromStatus: null,
              toStatus: "pending",
              fromPaymentStatus: null,
              toPaymentStatus: "unpaid",
              actor: "guest",
              reason: null,
              at: "2026-01-05T10:00:00Z",
            },
            {
              version: 2,
              fromStatus: "pending",
              toStatus: "rejected",
              fromPaymentStatus: "unpaid",
              toPaymentStatus: "unpaid",
              actor: "admin:usr_2",
              actorName: "Nadia",
              reason: null,
              at: "2026-01-05T10:01:00Z",
            },
          ],
        },
      }));
    signedIn();
    show(<AdminPage />, server);
    await user.click(await button(await screen.findByTestId("order-card"), "processing"));
    await waitFor(() => expect(screen.getByTestId("order-card").dataset["status"]).toBe("rejected"));
    const note = await screen.findByRole("alert");
    expect(note.textContent).toMatch(/^Not done: Nadia changed this order at .+ It is now “Rejected”\.$/);
  });

  it("shows the server's sentence when a move is refused for another reason", async () => {
    server.on("POST /api/orders/ord_1001/status", () => ({
      status: 422,
      body: { title: "No", detail: "The order is not paid yet.", status: 422 },
    }));
    signedIn();
    show(<AdminPage />, server);
    await user.click(await button(await screen.findByTestId("order-card"), "processing"));
    expect((await screen.findByRole("alert")).textContent).toBe("The order is not paid yet.");
  });
});
