// A small shop: orders by HTTP, committed to PostgreSQL, and a dashboard that hears of them by Socket.IO.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import jwt from "jsonwebtoken";
import pg from "pg";
import { Server } from "socket.io";

const { PORT = "4000", JWT_SECRET, ADMIN_PASSWORD, SOCKET_URL = "" } = process.env;
const db = new pg.Pool({ connectionString: process.env.DATABASE_URL, application_name: "shop" });
db.on("error", (error) => console.error("database:", error.message)); // the pool makes a new connection at the next query
const newId = () => `c${randomBytes(12).toString("hex")}`; // as cuid() does

const app = express();
const server = createServer(app);
app.use(express.json());
app.use(express.static("public"));
app.use(express.static("node_modules/socket.io-client/dist"));
app.get("/config.js", (_, response) => response.type("js").send(`window.SOCKET_URL = ${JSON.stringify(SOCKET_URL)};`));

const io = new Server(server);
io.use((socket, next) => {
  try {
    jwt.verify(socket.handshake.auth.token, JWT_SECRET);
    next();
  } catch (error) {
    next(error);
  }
});

app.post("/api/login", ({ body }, response) => {
  if (body?.password !== ADMIN_PASSWORD) return response.status(401).json({ error: "wrong password" });
  response.json({ token: jwt.sign({ id: "admin", role: "admin" }, JWT_SECRET, { expiresIn: "8h" }) });
});

function onlyAdmins(request, response, next) {
  try {
    jwt.verify(request.get("authorization")?.replace("Bearer ", ""), JWT_SECRET);
    next();
  } catch {
    response.status(401).json({ error: "sign in first" });
  }
}

app.post("/api/orders", async ({ body: { customer, items, shipping } }, response) => {
  const order = await inTransaction(async (client) => {
    const { rows: products } = await client.query('SELECT id, price FROM "Product" WHERE id = ANY($1)', [items.map(({ productId }) => productId)]);
    const price = Object.fromEntries(products.map((product) => [product.id, product.price]));
    const total = items.reduce((sum, item) => sum + price[item.productId] * item.quantity, 0);
    const { rows: [{ id: customerId }] } = await client.query(
      `INSERT INTO "Customer" (id, name, email, phone) VALUES ($1, $2, $3, $4)
       ON CONFLICT (email) DO UPDATE SET name = excluded.name, phone = excluded.phone RETURNING id`,
      [newId(), customer.name, customer.email, customer.phone],
    );
    const { rows: [order] } = await client.query(
      'INSERT INTO "Order" (id, "customerId", total, shipping, "updatedAt") VALUES ($1, $2, $3, $4, now()) RETURNING *',
      [newId(), customerId, total, shipping],
    );
    for (const { productId, quantity } of items) {
      await client.query('INSERT INTO "OrderItem" (id, "orderId", "productId", quantity, price) VALUES ($1, $2, $3, $4, $5)', [newId(), order.id, productId, quantity, price[productId]]);
      await client.query('UPDATE "Product" SET stock = stock - $2 WHERE id = $1', [productId, quantity]);
    }
    return order;
  });
  const { id, total, createdAt } = order;
  io.emit("new_order", { type: "new_order", order: { id, status: order.paymentStatus, total, customerName: customer.name, createdAt, mobile: customer.phone, customer_email: customer.email } });
  response.status(201).json(order);
});

app.patch("/api/orders/:id", onlyAdmins, async ({ params, body }, response) => {
  const { rows: [order] } = await db.query('UPDATE "Order" SET status = $2, "updatedAt" = now() WHERE id = $1 RETURNING *', [params.id, body.status]);
  if (order === undefined) return response.status(404).json({ error: "no such order" });
  io.emit("order_status", { orderId: order.id, status: order.status });
  response.json(order);
});

app.get("/api/orders", onlyAdmins, async (_, response) => {
  const { rows } = await db.query(
    `SELECT o.id, o.status, o.total, o."createdAt", c.name AS "customerName" FROM "Order" o JOIN "Customer" c ON c.id = o."customerId"
     ORDER BY o."createdAt" DESC LIMIT 50`,
  );
  response.json(rows);
});

async function inTransaction(work) {
  const client = await db.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    await client.query("ROLLBACK").then(() => client.release(), (broken) => client.release(broken));
    throw error;
  }
}

server.listen(PORT, "127.0.0.1", () => console.log(`the shop is at http://localhost:${PORT}/admin.html`));
