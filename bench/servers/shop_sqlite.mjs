// Node's shop on better-sqlite3: one transaction an order, in the process.
import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import { CATALOGUE, decide, orderOf, price, Refused } from "./shop_rules.mjs";

export function openShop(file) {
  const db = new Database(file);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  const isNew = db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (isNew) db.exec(`
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
  for (const [name, price, taxClass] of isNew ? CATALOGUE : [])
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

  const place = db.transaction((wanted) => {
    const { customerInfo, billingInfo, shippingInfo, fulfilment, paymentInfo } = wanted;
    const lines = wanted.cartItems.map((item) => price(item, findProduct.get(item.productId)));
    const decided = decide(wanted, lines);
    const { id, createdAt, subtotal, tax, shippingFee, total } = decided;
    const email = customerInfo.email.toLowerCase();
    const customer = upsertCustomer.get(`cus_${randomUUID()}`, email, customerInfo.name, customerInfo.mobile);
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
    return orderOf(wanted, lines, decided, number, customer.id);
  });
  return { listProducts: () => listProducts.all(), place: place.immediate };
}
