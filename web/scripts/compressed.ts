import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** What shrinks; pictures and fonts of other kinds are compressed already. */
const TEXT = /\.(css|html|js|json|md|svg|webmanifest)$/;
/** Below it the header that says so outweighs what is saved. */
const BYTES_MIN = 512;
/** The server compresses the stock client's files itself. */
const APART = "socket.io";

/** Lays beside each built file what it is compressed (`.br`, `.gz`), once and as small as it goes, for the server to send. */
export const compressed = (): Plugin => ({
  name: "compressed",
  apply: "build",
  writeBundle({ dir }) {
    if (dir === undefined) throw new Error("There is no folder to compress.");
    for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      if (TEXT.test(name) && !name.startsWith(APART)) compress(join(dir, name));
    }
  },
});

function compress(file: string): void {
  if (statSync(file).size < BYTES_MIN) return;
  const content = readFileSync(file);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  for (const [suffix, smaller] of [
    ["br", brotliCompressSync(content, { params })],
    ["gz", gzipSync(content, { level: 9 })],
  ] as const) {
    if (smaller.length < content.length) writeFileSync(`${file}.${suffix}`, smaller);
  }
}
