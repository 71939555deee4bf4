// A back end of Node.js: has the stock Redis emitter say what comes by standard input, one command per line.
import { Emitter } from "@socket.io/redis-emitter";
import { createClient } from "redis";

const { url } = JSON.parse(process.argv[2]);
const redis = await createClient({ url }).connect();
const emitter = new Emitter(redis);
const say = (kind) => process.stdout.write(JSON.stringify({ kind }) + "\n");

// What JSON cannot carry here stands as {"$": [bytes]}, {"$": "undefined"} or {"$": a date}.
const revive = (_key, value) => {
  if (typeof value !== "object" || value === null || !("$" in value)) return value;
  if (Array.isArray(value.$)) return Buffer.from(value.$);
  return value.$ === "undefined" ? null : new Date(value.$);
};

let rest = "";
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { namespace, to, except, volatile, compress, call, args } = JSON.parse(line, revive);
    let audience = namespace ? emitter.of(namespace) : emitter;
    if (to) audience = audience.to(to);
    if (except) audience = audience.except(except);
    if (volatile) audience = audience.volatile;
    if (compress !== undefined) audience = audience.compress(compress);
    audience[call](...args);
  }
});
process.stdin.on("end", () => process.exit(0));
say("ready");
