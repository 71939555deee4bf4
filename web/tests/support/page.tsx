import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import axe from "axe-core";
import type { ReactElement } from "react";
import { expect, vi } from "vitest";
import type { NodeServer } from "./node-server";

/** Shows a page whose API and sockets are those of `server`, with what is other in its configuration. */
export function show(page: ReactElement, server: NodeServer, config: Record<string, unknown> = {}) {
  const reallyFetch = globalThis.fetch.bind(globalThis);
  // jsdom has no origin that could be served; a path is a path of our server.
  vi.spyOn(globalThis, "fetch").mockImplementation((path, init) =>
    reallyFetch(new URL(path as string, server.url), init),
  );
  server.on("GET /api/config", () => ({
    body: {
      socketUrl: server.url,
      currency: "BDT",
      locales: ["en", "bn"],
      paymentProvider: "sandbox",
      paymentProviderName: "Sandbox",
      paymentMethods: ["cash", "card", "saved_card"],
      paymentNotice: null,
      hasAdmin: true,
      preparationMinutes: 0,
      timeZone: "UTC",
      currencyDigits: {},
      ...config,
    },
  }));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(<QueryClientProvider client={client}>{page}</QueryClientProvider>);
}

/** Fails with what axe finds wrong for those who do not see or point. Colours are judged on a real screen instead. */
export async function expectAccessible(): Promise<void> {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
}
