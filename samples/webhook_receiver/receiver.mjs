// Takes webhooks of Ordercast: copy it, and do your work where this prints. Node.js 18 or newer, no package.
//
//   export WEBHOOK_SECRET=whsec_...     # what POST /api/webhook-endpoints answered
//   node receiver.mjs 9000
//
// With Express it is the same, behind `express.raw({ type: "*/*" })`; in a Next.js route handler the body is
// `Buffer.from(await request.arrayBuffer())`: verify the bytes as they came, before they are parsed.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secret = process.env.WEBHOOK_SECRET;
const TOLERANCE_S = 300;
const BODY_BYTES_MAX = 1_000_000;

// Keep these in your database, in the transaction of what you do: an event may come again, under the same id.
const seen = new Set();

// Standard Webhooks: one signature of several is enough, for two come while a secret is rotated.
function isSigned({ "webhook-id": id = "", "webhook-timestamp": sentAt = "", "webhook-signature": given = "" }, body) {
  if (!/^\d+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > TOLERANCE_S) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${sentAt}.`).update(body).digest("base64");
  const ours = Buffer.from(`v1,${digest}`);
  const theirs = given.split(" ").map((each) => Buffer.from(each));
  return theirs.some((each) => each.length === ours.length && timingSafeEqual(each, ours));
}

const server = createServer(async (request, response) => {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length <= BODY_BYTES_MAX) parts.push(part);
  }
  const body = Buffer.concat(parts);
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  const event = JSON.parse(body);
  if (!seen.has(event.id)) {
    seen.add(event.id);
    console.log(event.type, event.id); // your work: briefly, or put it into a queue
  }
  response.writeHead(204).end(); // anything but 2xx, or nothing within 15 seconds: it comes again
});

server.listen(Number(process.argv[2]), "127.0.0.1", () => {
  console.log(`Taking webhooks on http://127.0.0.1:${server.address().port}/`);
});
