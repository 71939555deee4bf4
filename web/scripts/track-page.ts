import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";

const CONFIG = fileURLToPath(new URL("../vite.track.config.ts", import.meta.url));

/** Builds an order's page after the application, into the same folder. */
export function trackPage(): Plugin {
  let logLevel: "info" | "warn" | "error" | "silent" | undefined;
  return {
    name: "track-page",
    apply: "build",
    configResolved(config) {
      logLevel = config.logLevel;
    },
    async closeBundle() {
      await build({ configFile: CONFIG, ...(logLevel !== undefined && { logLevel }) });
    },
  };
}
