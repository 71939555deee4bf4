import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { User } from "../src/api/auth";
import { App } from "../src/app";
import { useSessionStore } from "../src/features/session/session";
import { keepDocumentLanguage, useLocale } from "../src/i18n/locale";
import { keepDocumentTheme, useThemeStore } from "../src/ui/theme";
import { NodeServer } from "./support/node-server";
import { expectAccessible, show } from "./support/page";

let server: NodeServer;
const user = userEvent.setup();

beforeEach(async () => {
  useSessionStore.getState().forget();
  useLocale.setState({ locale: "en" });
  useThemeStore.setState({ chosen: null });
  server = await new NodeServer().start();
  server.on("GET /api/products", () => ({ body: { items: [], nextCursor: null } }));
});

afterEach(() => server.stop());

const open = (path: string) => {
  history.replaceState(null, "", path);
  show(<App />, server);
};
const signInAs = (role: string) => {
  const user = { id: "usr_1", name: "Rahim", email: "rahim@example.com", role } as User;
  useSessionStore.getState().signIn({ token: "jwt", expiresIn: 3600, user }, Date.now());
};
const heading = () => screen.findByRole("heading", { level: 1 });

describe("the pages", () => {
  it.each([
    ["/", "Every order, on every screen, at once", "Welcome"],
    ["/shop", "Shop", "Shop"],
    ["/admin", "Sign in to the orders", "Sign in to the orders"],
    ["/orders", "Your orders", "Your orders"],
    ["/track/ord_1", "Your order", "Your order"],
    ["/driver", "Sign in to your deliveries", "Sign in to your deliveries"],
    ["/no/such/page", "There is no such page", "There is no such page"],
    ["/design", "Design", "Design"],
    ["/test-socket", "Connection test", "Connection test"],
  ])("stand at %s, each with its heading and title", async (path, title, tab) => {
    open(path);
    expect((await heading()).textContent).toBe(title);
    await waitFor(() => expect(document.title).toBe(`${tab} · Ordercast`));
    await expectAccessible();
  });

  it.each([
    ["driver", "/admin", "/driver"],
    ["customer", "/admin", "/shop"],
    ["customer", "/driver", "/shop"],
    ["store", "/driver", "/admin"],
  ])("lead a %s who comes to %s to %s", async (role, path, home) => {
    signInAs(role);
    open(path);
    await waitFor(() => expect(location.pathname).toBe(home));
    await heading();
  });

  it.each([
    ["driver", ["/driver", "/shop", "/test-socket"]],
    ["store", ["/admin", "/shop", "/bookings", "/test-socket"]],
    ["carer", ["/bookings", "/shop", "/test-socket"]],
    ["customer", ["/shop", "/test-socket"]],
  ])("greet a %s by name on the first one, and show their own place first", async (role, places) => {
    signInAs(role);
    open("/");
    await heading();
    expect(screen.getByText("Welcome back, Rahim.")).toBeTruthy();
    const links = within(screen.getByRole("main")).getAllByRole("link");
    expect(links.map((link) => link.getAttribute("href")).slice(0, -2)).toEqual(places);
  });

  it("say on the first one whether the shop is live", async () => {
    open("/");
    await waitFor(() => expect(screen.getByTestId("socket-state").dataset["state"]).toBe("connected"));
  });

  it("put the focus on the heading when one is left for another", async () => {
    open("/");
    await heading();
    const places = () => within(screen.getByRole("navigation"));
    await user.click(places().getByRole("link", { name: "Shop" }));
    await screen.findByRole("heading", { level: 1, name: "Shop" });
    await waitFor(() => expect(document.activeElement?.textContent).toBe("Shop"));
    expect(places().getByRole("link", { name: "Shop" }).getAttribute("aria-current")).toBe("page");
  });

  it("load the one page that may connect anywhere as a document of its own", async () => {
    open("/");
    await heading();
    const link = screen.getByRole("link", { name: "Connection" });
    // jsdom cannot load another document; what counts is that nobody else has handled the click.
    const wasLeft = new Promise<boolean>((resolve) => {
      const left = (event: MouseEvent) => {
        resolve(!event.defaultPrevented);
        event.preventDefault();
      };
      window.addEventListener("click", left, { once: true });
    });
    await user.click(link);
    expect(await wasLeft).toBe(true);
    expect(link.getAttribute("href")).toBe("/test-socket");
  });
});

describe("what is chosen in the masthead", () => {
  it("changes every text and the document's language, and is remembered", async () => {
    keepDocumentLanguage();
    open("/shop");
    await user.click(await screen.findByRole("button", { name: "বাংলা" }));
    expect((await heading()).textContent).toBe("দোকান");
    expect(document.documentElement.lang).toBe("bn-BD");
    expect(localStorage.getItem("ordercast.locale")).toContain("bn");
    await user.click(screen.getByRole("button", { name: "English" }));
    expect(document.documentElement.lang).toBe("en-GB");
  });

  it("overrules the system's theme, and is remembered", async () => {
    keepDocumentTheme();
    open("/shop");
    expect(document.documentElement.dataset["theme"]).toBeUndefined();
    await user.click(await screen.findByRole("button", { name: "Dark theme", pressed: false }));
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(localStorage.getItem("ordercast.theme")).toContain("dark");
    await user.click(screen.getByRole("button", { name: "Dark theme", pressed: true }));
    expect(document.documentElement.dataset["theme"]).toBe("light");
  });
});
