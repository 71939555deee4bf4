import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { compressed } from "./scripts/compressed.ts";
import { renderManifest } from "./scripts/render-manifest.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const OUT = path("../src/ordercast/pages");
const NOTICES = "licenses.md";

/** Adds the notices of this build to those of the one before it. */
const notices = (): Plugin => ({
  name: "notices",
  generateBundle: {
    order: "post",
    handler(_options, bundle) {
      const own = bundle[NOTICES];
      if (own?.type !== "asset") throw new Error(`The build left no ${NOTICES}.`);
      const former = existsSync(`${OUT}/${NOTICES}`) ? readFileSync(`${OUT}/${NOTICES}`, "utf8") : "";
      const more = String(own.source)
        .split(/^(?=## )/m)
        .slice(1)
        .filter((notice) => !former.includes(notice.split("\n", 1)[0] ?? ""));
      own.source = [former.trimEnd(), ...more].join("\n\n");
    },
  },
});

/**
 * An order's page, which is opened once, on a telephone, on a line that is seldom good: the same components as in the
 * application, on Preact, which is a tenth of React's size.
 */
export default defineConfig({
  plugins: [react(), renderManifest(), notices(), compressed()],
  publicDir: false,
  resolve: {
    alias: [
      { find: "@ordercast/client", replacement: path("./client/src/index.ts") },
      { find: /^react(-dom)?$/, replacement: "preact/compat" },
      { find: /^react-dom\/client$/, replacement: "preact/compat/client" },
      { find: /^react\/jsx-runtime$/, replacement: "preact/jsx-runtime" },
      { find: /^use-sync-external-store\/shim(\/index\.js)?$/, replacement: "preact/compat" },
    ],
  },
  build: {
    outDir: OUT,
    emptyOutDir: false,
    license: { fileName: NOTICES },
    rolldownOptions: {
      input: path("track.html"),
      // One file beside the page's styles: nothing is waited for in a row.
      output: { codeSplitting: { groups: [{ name: "track", test: /^(?!.*\/i18n\/bn\.)/ }] } },
    },
  },
});
