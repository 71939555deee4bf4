// A shop as it is usually built on Node: Express, zod, better-sqlite3 or pg, and socket.io; it emits after the commit.
// Arguments: port, database (a file, or a URL of PostgreSQL), secret of the tokens. One transaction an order: what it
// does is what ours does too.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import { Server } from "socket.io";
import { z } from "zod";
import { Refused } from "./shop_rules.mjs";

const [port, database, secret] = process.argv.slice(2);
const STAFF_ROOM = "store-owners";
const { openShop } = await import(database.startsWith("postgres") ? "./shop_pg.mjs" : "./shop_sqlite.mjs");
const { listProducts, place } = await openShop(database);

// What comes in

const text = (max) => z.string().min(1).max(max);
const address = z.strictObject({
  name: text(200),
  line1: text(200),
  city: text(200),
  country: z.string().regex(/^[A-Z]{2}$/),
  postcode: z.string().max(20).nullish().default(null),
  line2: z.string().max(200).nullish().default(null),
});
const orderSchema = z.strictObject({
  customerInfo: z.strictObject({
    name: text(200),
    email: z.string().max(254).regex(/^[^@\s]+@[^@\s]+\.[^@\s]+$/),
    mobile: z.string().max(32).regex(/^\+?[\d() .\-]{5,}$/),
  }),
  billingInfo: address,
  shippingInfo: address.nullish(),
  cartItems: z
    .array(z.strictObject({ productId: text(64), quantity: z.int().min(1).max(999) }))
    .min(1)
    .max(200),
  paymentInfo: z.strictObject({ method: z.literal("cash") }),
  fulfilment: z.enum(["delivery", "pickup"]).default("delivery"),
});

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.use(express.json());
app.get("/api/products", async (_request, response) => response.json({ items: await listProducts() }));
app.post("/api/orders", async (request, response) => {
  const wanted = orderSchema.safeParse(request.body);
  if (!wanted.success) return response.status(422).json({ issues: wanted.error.issues });
  let order;
  try {
    order = await place(wanted.data);
  } catch (error) {
    if (error instanceof Refused) return response.status(409).json({ detail: error.message });
    throw error;
  }
  response.status(201).json({ ...order, trackingToken: `trk_${randomUUID()}` });
  tell(order);
});

// What goes out

const http = createServer(app);
http.keepAliveTimeout = 60000; // a generator that is busy with the admins for five seconds must not be hung up on
const io = new Server(http, { pingInterval: 300000, pingTimeout: 200000 });

function staffRole(token) {
  const [head, claims, mark] = String(token).split(".");
  const ours = createHmac("sha256", secret).update(`${head}.${claims}`).digest();
  const theirs = Buffer.from(mark ?? "", "base64url");
  if (ours.length !== theirs.length || !timingSafeEqual(ours, theirs)) return null;
  return JSON.parse(Buffer.from(claims, "base64url")).role;
}

io.use((socket, next) => {
  next(staffRole(socket.handshake.auth.token) === "store" ? undefined : new Error("for the shop's staff"));
});
io.on("connection", (socket) => socket.join(STAFF_ROOM));

function tell(order) {
  const { name, mobile, email } = order.customerInfo;
  const { id, paymentStatus, total, createdAt } = order;
  const short = { id, status: paymentStatus, total, customerName: name, createdAt, mobile, customer_email: email };
  io.to(STAFF_ROOM).emit("new_order", { type: "new_order", order: short });
  io.to(STAFF_ROOM).emit("newOrder", order);
}

http.listen(Number(port), "127.0.0.1", 4096);
