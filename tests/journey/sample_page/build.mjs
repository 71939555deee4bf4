// Bundles the sample's component as a page, with the packages of web/: node build.mjs <folder>
import { fileURLToPath } from "node:url";
import { build } from "../../../web/node_modules/vite/dist/node/index.js";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const packages = path("../../../web/node_modules");

await build({
  configFile: false,
  root: path("."),
  base: "./",
  logLevel: "warn",
  resolve: { alias: ["react-dom", "react", "socket.io-client"].map((name) => ({ find: new RegExp(`^${name}(?=$|/)`), replacement: `${packages}/${name}` })) },
  oxc: { jsx: { runtime: "automatic" } },
  build: { outDir: process.argv[2], emptyOutDir: true, minify: false, modulePreload: false },
});
