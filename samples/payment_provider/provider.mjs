// A payment provider for Ordercast: copy it, and speak to your bank where this keeps maps. Node.js 18 or newer, no package.
//
//   export PAYMENTS_SECRET=whsec_$(openssl rand -base64 32)
//   node provider.mjs 4000 http://127.0.0.1:3000
//   ORDERCAST_PAYMENTS=http ORDERCAST_PAYMENTS_HTTP_URL=http://127.0.0.1:4000/ \
//       ORDERCAST_PAYMENTS_HTTP_SECRET=$PAYMENTS_SECRET ordercast serve
//
// The protocol is docs/guides/payment-provider.md. With Express it is the same, behind `express.raw({ type: "*/*" })`: a
// signature is over the bytes as they came.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secrets = process.env.PAYMENTS_SECRET.split(" "); // two, while one is changed: both sign, either is believed
const [port, shop] = process.argv.slice(2);
const TOLERANCE_S = 300;
const BODY_BYTES_MAX = 65_536;

// Keep these in your database, each change in one transaction with its answer: whatever comes with a key is done once.
const payments = new Map(); // by reference
const answers = new Map(); // by key
let url;

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code; // declined, unknown_token, unknown_payment or refused
  }
}

// --- Signatures: Standard Webhooks, both ways

function signature(secret, id, sentAt, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${sentAt}.`).update(body).digest("base64")}`;
}

function isSigned({ "webhook-id": id = "", "webhook-timestamp": sentAt = "", "webhook-signature": given = "" }, body) {
  if (!/^\d+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > TOLERANCE_S) return false;
  const ours = secrets.map((secret) => Buffer.from(signature(secret, id, sentAt, body)));
  const theirs = given.split(" ").map((each) => Buffer.from(each));
  return ours.some((one) => theirs.some((other) => one.length === other.length && timingSafeEqual(one, other)));
}

// --- What is asked

const deeds = {
  authorize({ key, amount, currency, token = "tok_saved", save, returnUrl }) {
    if (token === "tok_declined") throw new Refused("declined", "The bank said no.");
    if (!["tok_visa", "tok_redirect", "tok_saved"].includes(token)) throw new Refused("unknown_token", "No such card.");
    const reference = `pay_${randomUUID()}`;
    const status = token === "tok_redirect" ? "action_required" : "authorized";
    payments.set(reference, { reference, key, currency, amount, status, captured: 0, refunded: 0, returnUrl });
    const card = { brand: "visa", last4: "4242" };
    const saved = save && status === "authorized" ? { reference: `card_${token}`, owner: save.customerId } : undefined;
    return { payment: { ...shown(payments.get(reference)), card, saved } };
  },
  capture({ reference, amount }) {
    const payment = known(reference);
    if (payment.status === "authorized") Object.assign(payment, { status: "captured", captured: amount });
    if (payment.status !== "captured") throw new Refused("refused", `The payment is ${payment.status}.`);
    return { payment: shown(payment) };
  },
  void({ reference }) {
    const payment = known(reference);
    if (payment.status !== "captured") payment.status = "voided";
    return { payment: shown(payment) };
  },
  refund({ reference, amount, currency }) {
    const payment = known(reference);
    if (payment.refunded + amount > payment.captured) throw new Refused("refused", "That is more than is left.");
    payment.refunded += amount;
    return { refund: { reference: `re_${randomUUID()}`, status: "succeeded", amount, currency } };
  },
  forget_card: () => ({}),
};

const questions = {
  lookup: ({ reference }) => ({ payment: shown(payments.get(reference)) }),
  find: ({ paymentKey }) => ({ payment: shown([...payments.values()].find(({ key }) => key === paymentKey)) }),
};

function known(reference) {
  const payment = payments.get(reference);
  if (!payment) throw new Refused("unknown_payment", "There is no such payment.");
  return payment;
}

function shown(payment) {
  if (!payment) return null;
  const { key, returnUrl, ...facts } = payment;
  return facts.status === "action_required" ? { ...facts, action: { url: `${url}/pay/${facts.reference}` } } : facts;
}

function answered(body) {
  const ask = JSON.parse(body);
  if (ask.operation in questions) return { status: 200, answer: questions[ask.operation](ask) };
  const before = answers.get(ask.key);
  if (before) return before.body === body ? before : refusal(new Refused("refused", "Another request had this key."));
  let result;
  try {
    if (!(ask.operation in deeds)) throw new Refused("refused", "This service does not know how.");
    result = { body, status: 200, answer: deeds[ask.operation](ask) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    result = { body, ...refusal(error) };
  }
  answers.set(ask.key, result);
  return result;
}

const refusal = ({ code, message }) => ({ status: 422, answer: { error: { code, message } } });

// --- What is told: until it was answered with 200

async function tell(type, data, id = `evt_${randomUUID()}`) {
  const body = JSON.stringify({ type, data });
  const sentAt = String(Math.floor(Date.now() / 1000));
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": sentAt,
    "webhook-signature": secrets.map((secret) => signature(secret, id, sentAt, body)).join(" "),
  };
  const taken = await fetch(`${shop}/api/payments/webhook/http`, { method: "POST", headers, body }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (!taken) setTimeout(tell, 5_000, type, data, id);
}

// --- HTTP

async function serve(request, response) {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk;
    if (body.length > BODY_BYTES_MAX) return response.writeHead(413).end();
  }
  const payment = payments.get(request.url.replace(/^\/pay\//, ""));
  if (request.url.startsWith("/pay/") && request.method === "POST" && payment) {
    if (payment.status === "action_required") {
      payment.status = body === "answer=yes" ? "authorized" : "failed";
      tell(`payment.${payment.status}`, { payment: payment.reference });
    }
    if (payment.returnUrl) return response.writeHead(303, { location: payment.returnUrl }).end();
    // An order that came from no page has none to come back to.
    return response.writeHead(200, { "content-type": "text/html" }).end("<p>Done. You can close this page.</p>");
  }
  if (request.url.startsWith("/pay/")) {
    // Here would be your bank's page.
    const buttons = '<button name="answer" value="yes">Pay</button> <button name="answer" value="no">Do not</button>';
    return response.writeHead(payment ? 200 : 404, { "content-type": "text/html" }).end(`<form method="post">${buttons}</form>`);
  }
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  const { status, answer } = answered(body);
  return response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

// Whoever breaks off in the middle, and whatever else goes wrong, ends that request and not the service.
const server = createServer((request, response) => serve(request, response).catch(() => response.destroy()));

server.listen(Number(port), "127.0.0.1", () => {
  url = process.env.PAYMENTS_URL ?? `http://127.0.0.1:${server.address().port}`; // where browsers find it
  console.log(`Taking payments on ${url}`);
});
