// A small shop on MongoDB: customers order, the owner moves the orders on, and both have a page that hears of it.
import { createServer } from "node:http";
import express from "express";
import jwt from "jsonwebtoken";
import mongoose from "mongoose";
import { Server } from "socket.io";

const { PORT = "4000", MONGODB_URL, JWT_SECRET, PASSWORD, SOCKET_URL = "" } = process.env;
const PEOPLE = { owner: { id: "owner", role: "store_owner" }, asha: { id: "c1", role: "customer" }, bijoy: { id: "c2", role: "customer" } };
const STATUSES = ["new", "accepted", "ready", "out_for_delivery", "completed"];

const schema = new mongoose.Schema(
  {
    customerId: { type: String, required: true },
    customerName: { type: String, required: true },
    items: [{ name: String, price: Number, quantity: Number }],
    total: { type: Number, required: true },
    status: { type: String, enum: STATUSES, default: "new" },
  },
  { timestamps: true, toJSON: { virtuals: true } },
);
const Order = mongoose.model("Order", schema);
const Booking = mongoose.model(
  "Booking",
  new mongoose.Schema({ customer: { id: String, name: String }, at: Date, guests: Number, status: { type: String, default: "asked" } }),
);
await mongoose.connect(MONGODB_URL);

const app = express();
const server = createServer(app);
app.use(express.json());
app.use(express.static("public"));
app.use(express.static("node_modules/socket.io-client/dist"));
app.get("/config.js", (_, response) => response.type("js").send(`window.SOCKET_URL = ${JSON.stringify(SOCKET_URL)};`));

const io = new Server(server);
io.use((socket, next) => {
  try {
    const { id, role } = jwt.verify(socket.handshake.auth.token, JWT_SECRET);
    socket.join(role === "store_owner" ? "store-owners" : `customer_${id}`);
    next();
  } catch (error) {
    next(error);
  }
});

Order.watch([], { fullDocument: "updateLookup" }).on("change", ({ operationType, fullDocument, updateDescription }) => {
  if (operationType === "insert") {
    io.to("store-owners").emit("newOrder", Order.hydrate(fullDocument).toJSON());
  } else if (operationType === "update" && updateDescription.updatedFields.status !== undefined) {
    const told = { orderId: String(fullDocument._id), newStatus: fullDocument.status };
    io.to(["store-owners", `customer_${fullDocument.customerId}`]).emit("orderStatusUpdated", told);
  }
});

app.post("/api/login", ({ body }, response) => {
  const person = PEOPLE[body?.name];
  if (person === undefined || body.password !== PASSWORD) return response.status(401).json({ error: "wrong name or password" });
  response.json({ token: jwt.sign(person, JWT_SECRET, { expiresIn: "8h" }) });
});

app.use("/api", (request, response, next) => {
  try {
    request.person = jwt.verify(request.get("authorization")?.replace("Bearer ", ""), JWT_SECRET);
    next();
  } catch {
    response.status(401).json({ error: "sign in first" });
  }
});

const mayRead = ({ id, role }) => (role === "store_owner" ? {} : { customerId: id });

app.get("/api/orders", async ({ person }, response) => {
  response.json(await Order.find(mayRead(person)).sort({ createdAt: -1 }).limit(50));
});

app.get("/api/orders/:id", async ({ params, person }, response) => {
  const order = await Order.findOne({ _id: params.id, ...mayRead(person) });
  if (order === null) return response.status(404).json({ error: "no such order" });
  response.json(order);
});

app.post("/api/orders", async ({ body, person }, response) => {
  const total = body.items.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  response.status(201).json(await Order.create({ customerId: person.id, customerName: body.customerName, items: body.items, total }));
});

app.patch("/api/orders/:id", async ({ params, body, person }, response) => {
  if (person.role !== "store_owner") return response.status(403).json({ error: "for the owner" });
  const order = await Order.findById(params.id);
  if (order === null) return response.status(404).json({ error: "no such order" });
  order.status = body.status;
  response.json(await order.save());
});

app.post("/api/bookings", async ({ body, person }, response) => {
  response.status(201).json(await Booking.create({ customer: { id: person.id, name: body.name }, at: body.at, guests: body.guests }));
});

app.patch("/api/bookings/:id", async ({ params, body, person }, response) => {
  if (person.role !== "store_owner") return response.status(403).json({ error: "for the owner" });
  const booking = await Booking.findById(params.id);
  if (booking === null) return response.status(404).json({ error: "no such booking" });
  booking.status = body.status;
  response.json(await booking.save());
});

server.listen(PORT, "127.0.0.1", () => console.log(`the shop is at http://localhost:${PORT}/orders.html`));
