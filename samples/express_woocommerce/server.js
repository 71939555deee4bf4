// A checkout that writes to WooCommerce's tables as WooCommerce does, and a screen in the packing room that hears of it.
import { createServer } from "node:http";
import express from "express";
import jwt from "jsonwebtoken";
import mysql from "mysql2/promise";
import { Server } from "socket.io";

const { PORT = "4000", MYSQL_URL, JWT_SECRET, PASSWORD, SOCKET_URL = "" } = process.env;
const db = mysql.createPool({ uri: MYSQL_URL, timezone: "Z" });

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
  if (body?.password !== PASSWORD) return response.status(401).json({ error: "wrong password" });
  response.json({ token: jwt.sign({ id: 1, role: "shop_manager" }, JWT_SECRET, { expiresIn: "8h" }) });
});

function onlyManagers(request, response, next) {
  try {
    jwt.verify(request.get("authorization")?.replace("Bearer ", ""), JWT_SECRET);
    next();
  } catch {
    response.status(401).json({ error: "sign in first" });
  }
}

app.post("/api/orders", async ({ body: { firstName, lastName, email, phone, items } }, response) => {
  const total = items.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  const connection = await db.getConnection();
  let id;
  try {
    await connection.beginTransaction();
    const [post] = await connection.query("INSERT INTO wp_posts (post_type, post_status) VALUES ('shop_order_placehold', 'draft')");
    id = post.insertId;
    await connection.query(
      `INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, date_updated_gmt)
       VALUES (?, 'wc-pending', 'BDT', 'shop_order', ?, 0, ?, UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
      [id, total, email],
    );
    await connection.query(
      "INSERT INTO wp_wc_order_addresses (order_id, address_type, first_name, last_name, email, phone) VALUES (?, 'billing', ?, ?, ?, ?)",
      [id, firstName, lastName, email, phone],
    );
    for (const { name } of items)
      await connection.query("INSERT INTO wp_woocommerce_order_items (order_item_name, order_item_type, order_id) VALUES (?, 'line_item', ?)", [name, id]);
    await connection.commit();
    connection.release();
  } catch (error) {
    connection.destroy(); // which takes back what was begun
    throw error;
  }
  io.emit("new_order", { type: "new_order", order: { id, status: "wc-pending", total, customerName: `${firstName} ${lastName}` } });
  response.status(201).json({ id });
});

app.patch("/api/orders/:id", onlyManagers, async ({ params, body }, response) => {
  const [{ affectedRows }] = await db.query("UPDATE wp_wc_orders SET status = ?, date_updated_gmt = UTC_TIMESTAMP() WHERE id = ?", [body.status, params.id]);
  if (affectedRows === 0) return response.status(404).json({ error: "no such order" });
  io.emit("order_status", { orderId: Number(params.id), status: body.status });
  response.json({ id: Number(params.id), status: body.status });
});

app.get("/api/orders", onlyManagers, async (_, response) => {
  const [rows] = await db.query(
    `SELECT o.id, o.status, o.total_amount + 0e0 AS total, CONCAT(a.first_name, ' ', a.last_name) AS customerName
     FROM wp_wc_orders o JOIN wp_wc_order_addresses a ON a.order_id = o.id AND a.address_type = 'billing' ORDER BY o.id DESC LIMIT 50`,
  );
  response.json(rows);
});

server.listen(PORT, "127.0.0.1", () => console.log(`the shop is at http://localhost:${PORT}/packing.html`));
