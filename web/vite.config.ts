import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { compressed } from "./scripts/compressed.ts";
import { trackPage } from "./scripts/track-page.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const server = process.env["ORDERCAST_DEV_SERVER"] ?? "http://localhost:3000";

// The stock client as it is published, which the server gives to pages without a bundler (/socket.io/socket.io.js).
const stockClient = (): Plugin => ({
  name: "stock-client",
  apply: "build",
  generateBundle() {
    const folder = path("node_modules/socket.io-client/dist");
    for (const name of readdirSync(folder)) {
      this.emitFile({
        type: "asset",
        fileName: `socket.io/${name}`,
        source: readFileSync(`${folder}/${name}`),
      });
    }
  },
});

/** Tests of what reads or changes a document. */
const DOM = [
  "tests/**/*.test.tsx",
  "tests/features/admin/moves.test.ts",
  "tests/stores/*.test.ts",
  "tests/i18n/text.test.ts",
];

export default defineConfig({
  plugins: [react(), stockClient(), compressed(), trackPage()],
  // The pages are built from the client's source, so a change in it needs no build step of its own.
  resolve: { alias: { "@ordercast/client": path("./client/src/index.ts") } },
  // What is bundled keeps its authors' notices, as their licences ask; the server serves them at /licenses.md.
  build: {
    outDir: "../src/ordercast/pages",
    emptyOutDir: true,
    license: { fileName: "licenses.md" },
    // Which files each page is made of, for who weighs them.
    manifest: "build-manifest.json",
    rolldownOptions: {
      output: {
        // What nearly every page uses comes in one file: a dozen small ones are a dozen answers to wait for.
        codeSplitting: {
          groups: [
            {
              name: "base",
              // What one page alone needs, such as the board, no other waits for.
              minShareCount: 2,
              test: /node_modules|\/web\/client\/|\/src\/(api|i18n\/(?!bn)|live|stores|ui|features\/session)\//,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      "/api": server,
      "/socket.io": { target: server, ws: true },
    },
  },
  test: {
    restoreMocks: true,
    // Patience for a busy machine; what fails, fails by what it shows.
    testTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: "pages", environment: "jsdom", include: DOM, setupFiles: ["tests/setup.ts"] },
      },
      // To make a document takes longer than to test what needs none.
      { extends: true, test: { name: "plain", include: ["tests/**/*.test.ts"], exclude: DOM } },
    ],
  },
});
