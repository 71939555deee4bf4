import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { App } from "../../../src/app";
import { useSessionStore } from "../../../src/features/session/session";
import { useLocale } from "../../../src/i18n/locale";
import { NodeServer } from "../../support/node-server";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();
const ASHA = { id: "cus_1", email: "asha@example.com", name: "Asha Rahman", role: "customer" as const };
const LOGIN = { token: "jwt", expiresIn: 3600, user: ASHA };
const SPENT = {
  type: "/problems/link-refused",
  title: "Spent",
  detail: "Spent.",
  status: 422,
  field: "token",
};

beforeEach(async () => {
  useLocale.setState({ locale: "en" });
  useSessionStore.getState().forget();
  server = await new NodeServer().start();
  server.on("GET /api/products", () => ({ body: { items: [], nextCursor: null } }));
});

afterEach(async () => {
  useSessionStore.getState().forget();
  await server.stop();
});

const open = (path: string) => {
  history.replaceState(null, "", path);
  show(<App />, server);
};

describe("a forgotten password", () => {
  it("is replaced by a link that is asked for by the address alone", async () => {
    server.on("POST /api/auth/forgot-password", () => ({ status: 202, body: { accepted: true } }));
    open("/forgot");
    await user.type(await screen.findByTestId("forgot-email"), "asha@example.com");
    await expectAccessible();
    await user.click(screen.getByTestId("forgot-submit"));
    expect((await screen.findByRole("status")).textContent).toContain("If this address has an account");
    const asked = server.askedFor("POST /api/auth/forgot-password")[0];
    expect(asked?.body).toEqual({ email: "asha@example.com" });
    expect(asked?.headers["accept-language"]).toBe("en-GB");
  });

  it("is chosen anew by the token behind the hash, which then leaves the address", async () => {
    server.on("POST /api/auth/reset-password", () => ({ status: 204, body: undefined }));
    open("/reset#token=a.b.c");
    await user.type(await screen.findByTestId("reset-password"), "a good password");
    expect(location.hash).toBe("");
    await expectAccessible();
    await user.click(screen.getByTestId("reset-submit"));
    await screen.findByText("The password is changed. Sign in with the new one.");
    const asked = server.askedFor("POST /api/auth/reset-password")[0];
    expect(asked?.body).toEqual({ token: "a.b.c", password: "a good password" });
  });

  it("leads on from a link that is spent", async () => {
    server.on("POST /api/auth/reset-password", () => ({ status: 422, body: SPENT }));
    open("/reset#token=a.b.c");
    await user.type(await screen.findByTestId("reset-password"), "a good password{Enter}");
    expect((await screen.findByRole("alert")).textContent).toContain("This link is good no more");
    expect(screen.getByRole("link", { name: "Mail me a link" }).getAttribute("href")).toBe("/forgot");
  });
});

describe("an address", () => {
  beforeEach(() => {
    server.on("POST /api/auth/verify-email", () => ({ body: ASHA }));
    server.on("POST /api/auth/login", () => ({ body: LOGIN }));
    server.on("POST /api/auth/claim-orders", () => ({ body: { orderIds: ["ord_1", "ord_2"] } }));
  });

  it("is confirmed with the password, and earlier orders are added when that is asked for", async () => {
    open("/verify#token=a.b.c");
    await user.type(await screen.findByTestId("verify-password"), "a good password{Enter}");
    await screen.findByTestId("verified");
    await expectAccessible();
    expect(server.askedFor("POST /api/auth/verify-email")[0]?.body).toEqual({
      token: "a.b.c",
      password: "a good password",
    });
    expect(server.askedFor("POST /api/auth/claim-orders")).toEqual([]);
    await user.click(screen.getByTestId("claim-orders"));
    await screen.findByText("Orders that are yours now: 2.");
    expect(server.askedFor("POST /api/auth/claim-orders")[0]?.headers.authorization).toBe("Bearer jwt");
  });

  it("is confirmed without it by whoever is signed in, and in Bengali", async () => {
    useLocale.setState({ locale: "bn" });
    useSessionStore.getState().signIn(LOGIN, Date.now());
    open("/verify#token=a.b.c");
    await user.click(await screen.findByTestId("verify-submit"));
    await screen.findByText("ধন্যবাদ: ঠিকানাটি এখন আপনার অ্যাকাউন্টের।");
    const asked = server.askedFor("POST /api/auth/verify-email")[0];
    expect(asked?.body).toEqual({ token: "a.b.c" });
    expect(asked?.headers.authorization).toBe("Bearer jwt");
  });

  it("asks for the password where somebody else is signed in", async () => {
    server.on("POST /api/auth/verify-email", ({ headers }) =>
      headers.authorization === undefined
        ? { body: ASHA }
        : {
            status: 401,
            body: { type: "/problems/sign-in-refused", title: "No", detail: "No.", status: 401 },
          },
    );
    useSessionStore
      .getState()
      .signIn({ ...LOGIN, user: { ...ASHA, email: "other@example.com" } }, Date.now());
    open("/verify#token=a.b.c");
    await user.click(await screen.findByTestId("verify-submit"));
    await user.type(await screen.findByTestId("verify-password"), "a good password{Enter}");
    await waitFor(() => expect(screen.getByTestId("verified")).toBeTruthy());
  });
});
