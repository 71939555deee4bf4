// A shop as it is usually built on Node: Express, zod, better-sqlite3 and socket.io; it emits after the commit.
// Arguments: port, database file, secret of the tokens. One transaction an order: what it does is what ours does too.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import Database from "better-sqlite3";
import express from "express";
import { Server } from "socket.io";
import { z } from "zod";

const [port, file, secret] = process.argv.slice(2);
const STAFF_ROOM = "store-owners";
const TAX_BP = { exempt: 0, reduced: 500, standard: 1500 };
const DELIVERY_FEE = 6000;
const FREE_DELIVERY_FROM = 150000;
const CATALOGUE = [
  ["Masala chai", 4000, "reduced"],
  ["Green tea", 5000, "reduced"],
  ["Filter coffee", 9000, "reduced"],
  ["Mango lassi", 12000, "reduced"],
  ["Samosa", 2500, "reduced"],
  ["Paratha", 3000, "reduced"],
  ["Chicken biryani", 32000, "reduced"],
  ["Dal fry", 11000, "exempt"],
  ["Hilsa curry", 55000, "reduced"],
  ["Roshogolla", 3500, "standard"],
  ["Mishti doi", 8000, "standard"],
  ["Jilapi", 2995, "standard"],
  ["Lemon sherbet", 6050, "reduced"],
  ["Fruit box", 24000, "exempt"],
];

// The database

const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.pragma("foreign_keys = ON");
db.exec(`
  CREATE TABLE products (id TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, tax_class TEXT NOT NULL,
    image TEXT NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0));
  CREATE TABLE customers (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, mobile TEXT NOT NULL);
  CREATE TABLE orders (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
    fulfilment TEXT NOT NULL, subtotal INTEGER NOT NULL, tax INTEGER NOT NULL, shipping_fee INTEGER NOT NULL,
    total INTEGER NOT NULL, currency TEXT NOT NULL, customer_id TEXT NOT NULL REFERENCES customers (id),
    created_at TEXT NOT NULL);
  CREATE INDEX orders_by_customer ON orders (customer_id, number);
  CREATE INDEX orders_by_status ON orders (status, number);
  CREATE TABLE order_lines (order_number INTEGER NOT NULL REFERENCES orders (number), position INTEGER NOT NULL,
    product_id TEXT NOT NULL REFERENCES products (id), quantity INTEGER NOT NULL, unit_price INTEGER NOT NULL,
    line_total INTEGER NOT NULL, tax INTEGER NOT NULL, PRIMARY KEY (order_number, position)) WITHOUT ROWID;
  CREATE TABLE addresses (order_number INTEGER NOT NULL REFERENCES orders (number), kind TEXT NOT NULL,
    name TEXT NOT NULL, line1 TEXT NOT NULL, line2 TEXT, city TEXT NOT NULL, postcode TEXT, country TEXT NOT NULL,
    PRIMARY KEY (order_number, kind)) WITHOUT ROWID;
  CREATE TABLE payments (order_number INTEGER PRIMARY KEY REFERENCES orders (number), method TEXT NOT NULL,
    status TEXT NOT NULL, amount INTEGER NOT NULL);
`);
const addProduct = db.prepare("INSERT INTO products VALUES (?, ?, ?, ?, ?, 1000000)");
for (const [name, price, taxClass] of CATALOGUE)
  addProduct.run(`prd_${randomUUID()}`, name, price, taxClass, `/images/${name}.svg`);

const listProducts = db.prepare("SELECT * FROM products ORDER BY id");
const findProduct = db.prepare("SELECT * FROM products WHERE id = ?");
const reserve = db.prepare("UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?");
const upsertCustomer = db.prepare(
  `INSERT INTO customers VALUES (?, ?, ?, ?)
   ON CONFLICT (email) DO UPDATE SET name = excluded.name, mobile = excluded.mobile RETURNING id`,
);
const insertOrder = db.prepare(
  `INSERT INTO orders (id, status, fulfilment, subtotal, tax, shipping_fee, total, currency, customer_id, created_at)
   VALUES (?, 'pending', ?, ?, ?, ?, ?, 'BDT', ?, ?)`,
);
const insertLine = db.prepare("INSERT INTO order_lines VALUES (?, ?, ?, ?, ?, ?, ?)");
const insertAddress = db.prepare("INSERT INTO addresses VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
const insertPayment = db.prepare("INSERT INTO payments VALUES (?, ?, 'unpaid', ?)");

class Refused extends Error {}

function price(item) {
  const product = findProduct.get(item.productId);
  if (product === undefined) throw new Refused(`There is no product ${item.productId}.`);
  const lineTotal = product.price * item.quantity;
  return {
    productId: product.id,
    name: product.name,
    quantity: item.quantity,
    unitPrice: product.price,
    lineTotal,
    tax: Math.floor((lineTotal * TAX_BP[product.tax_class] + 5000) / 10000),
    image: product.image,
  };
}

const place = db.transaction((wanted) => {
  const { customerInfo, billingInfo, shippingInfo, fulfilment, paymentInfo } = wanted;
  const createdAt = new Date().toISOString();
  const lines = wanted.cartItems.map(price);
  const subtotal = lines.reduce((sum, line) => sum + line.lineTotal, 0);
  const tax = lines.reduce((sum, line) => sum + line.tax, 0);
  const shippingFee = fulfilment === "pickup" || subtotal >= FREE_DELIVERY_FROM ? 0 : DELIVERY_FEE;
  const total = subtotal + tax + shippingFee;
  const email = customerInfo.email.toLowerCase();
  const customer = upsertCustomer.get(`cus_${randomUUID()}`, email, customerInfo.name, customerInfo.mobile);
  const id = `ord_${randomUUID()}`;
  for (const line of lines)
    if (reserve.run(line.quantity, line.productId, line.quantity).changes === 0)
      throw new Refused(`Too few of ${line.name} are left.`);
  const inserted = insertOrder.run(id, fulfilment, subtotal, tax, shippingFee, total, customer.id, createdAt);
  const number = Number(inserted.lastInsertRowid);
  lines.forEach((line, position) =>
    insertLine.run(number, position, line.productId, line.quantity, line.unitPrice, line.lineTotal, line.tax),
  );
  for (const [kind, at] of [["billing", billingInfo], ["shipping", shippingInfo]])
    if (at) insertAddress.run(number, kind, at.name, at.line1, at.line2, at.city, at.postcode, at.country);
  insertPayment.run(number, paymentInfo.method, total);
  return {
    id, number, status: "pending", paymentStatus: "unpaid", fulfilment, version: 1, subtotal, tax, shippingFee,
    discount: 0, total, currency: "BDT", customerInfo, billingInfo, shippingInfo, cartItems: lines, paymentInfo,
    customerId: customer.id, driverId: null, heldFrom: null, createdAt, updatedAt: createdAt,
  };
});

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
app.get("/api/products", (_request, response) => response.json({ items: listProducts.all() }));
app.post("/api/orders", (request, response) => {
  const wanted = orderSchema.safeParse(request.body);
  if (!wanted.success) return response.status(422).json({ issues: wanted.error.issues });
  let order;
  try {
    order = place.immediate(wanted.data);
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
