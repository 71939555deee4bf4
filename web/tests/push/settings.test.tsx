import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it } from "vitest";
import { useLocale } from "../../src/i18n/locale";
import { NotificationSettings } from "../../src/push/settings";
import { NodeServer } from "../support/node-server";
import { expectAccessible, show } from "../support/page";

let server: NodeServer;
const user = userEvent.setup();
const FOUND = {
  language: null,
  timezone: null,
  quietHours: null,
  mobile: null,
  topics: { orders: ["push"], chat: ["sms"], shop: ["push"] },
  ways: ["mail", "push"],
};
const saved: unknown[] = [];

beforeEach(async () => {
  saved.length = 0;
  server = await new NodeServer().start();
  server
    .on("GET /api/me/notification-preferences", () => ({ body: FOUND }))
    .on("PUT /api/me/notification-preferences", ({ body }) => {
      saved.push(body);
      return { body: FOUND };
    });
});

afterEach(async () => {
  useLocale.getState().setLocale("en");
  await server.stop();
});

const box = (name: string) => screen.getByRole("checkbox", { name });

async function opened() {
  show(<NotificationSettings token="jwt" />, server);
  await user.click(screen.getByTestId("push-settings"));
  await screen.findByTestId("preferences");
}

it("shows what one is told of, by the ways that the shop has", async () => {
  await opened();
  expect((box("Orders: Devices") as HTMLInputElement).checked).toBe(true);
  expect((box("Orders: Mail") as HTMLInputElement).checked).toBe(false);
  expect(screen.queryByRole("checkbox", { name: "Orders: SMS" })).toBeNull();
  expect(screen.queryByText("Bookings")).toBeNull();
  await expectAccessible();
});

it("saves what was chosen, by the keyboard alone, and keeps what it does not show", async () => {
  await opened();
  box("Orders: Mail").focus();
  await user.keyboard(" ");
  box("Quiet hours").focus();
  await user.keyboard(" ");
  await expectAccessible();
  await user.selectOptions(screen.getByLabelText("Language"), "bn");
  screen.getByRole("button", { name: "Save" }).focus();
  await user.keyboard("{Enter}");
  await waitFor(() => expect(saved).toHaveLength(1));
  expect(saved[0]).toEqual({
    language: "bn",
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    quietHours: { from: "22:00", to: "07:00", letsThrough: "error" },
    mobile: null,
    topics: { orders: ["mail", "push"], chat: ["sms"], shop: ["push"] },
  });
  await waitFor(() => expect(screen.queryByTestId("preferences")).toBeNull());
});

it("speaks Bengali", async () => {
  useLocale.getState().setLocale("bn");
  await opened();
  expect(box("অর্ডার: ডিভাইস")).toBeDefined();
  await expectAccessible();
});
