// Node's shop on PostgreSQL: a pool of ten connections, BEGIN to COMMIT for each order.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { CATALOGUE, decide, orderOf, price, Refused } from "./shop_rules.mjs";

const SCHEMA = `
  CREATE TABLE products (id text PRIMARY KEY, name text NOT NULL, price integer NOT NULL, tax_class text NOT NULL,
    image text NOT NULL, stock integer NOT NULL CHECK (stock >= 0));
  CREATE TABLE customers (id text PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, mobile text NOT NULL);
  CREATE TABLE orders (number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, id text NOT NULL UNIQUE,
    status text NOT NULL, fulfilment text NOT NULL, subtotal integer NOT NULL, tax integer NOT NULL,
    shipping_fee integer NOT NULL, total integer NOT NULL, currency text NOT NULL,
    customer_id text NOT NULL REFERENCES customers (id), created_at timestamptz NOT NULL);
  CREATE INDEX orders_by_customer ON orders (customer_id, number);
  CREATE INDEX orders_by_status ON orders (status, number);
  CREATE TABLE order_lines (order_number integer NOT NULL REFERENCES orders (number), position integer NOT NULL,
    product_id text NOT NULL REFERENCES products (id), quantity integer NOT NULL, unit_price integer NOT NULL,
    line_total integer NOT NULL, tax integer NOT NULL, PRIMARY KEY (order_number, position));
  CREATE TABLE addresses (order_number integer NOT NULL REFERENCES orders (number), kind text NOT NULL,
    name text NOT NULL, line1 text NOT NULL, line2 text, city text NOT NULL, postcode text, country text NOT NULL,
    PRIMARY KEY (order_number, kind));
  CREATE TABLE payments (order_number integer PRIMARY KEY REFERENCES orders (number), method text NOT NULL,
    status text NOT NULL, amount integer NOT NULL);
`;

// "($1, $2), ($3, $4)" and the values of all the rows: one statement for what an order has several of.
function rowsOf(rows) {
  let next = 0;
  const places = rows.map((row) => `(${row.map(() => `$${(next += 1)}`).join(", ")})`);
  return [places.join(", "), rows.flat()];
}

export async function openShop(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 10 });
  await pool.query(SCHEMA);
  for (const [name, unitPrice, taxClass] of CATALOGUE)
    await pool.query("INSERT INTO products VALUES ($1, $2, $3, $4, $5, 1000000)", [
      `prd_${randomUUID()}`, name, unitPrice, taxClass, `/images/${name}.svg`,
    ]);

  async function write(client, wanted) {
    const { customerInfo, billingInfo, shippingInfo, fulfilment, paymentInfo } = wanted;
    const ids = wanted.cartItems.map((item) => item.productId);
    const found = await client.query("SELECT * FROM products WHERE id = ANY ($1)", [ids]);
    const products = new Map(found.rows.map((product) => [product.id, product]));
    const lines = wanted.cartItems.map((item) => price(item, products.get(item.productId)));
    const decided = decide(wanted, lines);
    const { id, createdAt, subtotal, tax, shippingFee, total } = decided;
    const customer = await client.query(
      `INSERT INTO customers VALUES ($1, $2, $3, $4)
       ON CONFLICT (email) DO UPDATE SET name = excluded.name, mobile = excluded.mobile RETURNING id`,
      [`cus_${randomUUID()}`, customerInfo.email.toLowerCase(), customerInfo.name, customerInfo.mobile],
    );
    const customerId = customer.rows[0].id;
    // In one order for all, so that two buyers of the same products do not wait for each other.
    for (const line of lines.toSorted((a, b) => (a.productId < b.productId ? -1 : 1))) {
      const taken = await client.query("UPDATE products SET stock = stock - $1 WHERE id = $2 AND stock >= $1", [
        line.quantity, line.productId,
      ]);
      if (taken.rowCount === 0) throw new Refused(`Too few of ${line.name} are left.`);
    }
    const inserted = await client.query(
      `INSERT INTO orders (id, status, fulfilment, subtotal, tax, shipping_fee, total, currency, customer_id, created_at)
       VALUES ($1, 'pending', $2, $3, $4, $5, $6, 'BDT', $7, $8) RETURNING number`,
      [id, fulfilment, subtotal, tax, shippingFee, total, customerId, createdAt],
    );
    const { number } = inserted.rows[0];
    const [linePlaces, lineValues] = rowsOf(
      lines.map((line, position) => [
        number, position, line.productId, line.quantity, line.unitPrice, line.lineTotal, line.tax,
      ]),
    );
    await client.query(`INSERT INTO order_lines VALUES ${linePlaces}`, lineValues);
    const addresses = [["billing", billingInfo], ["shipping", shippingInfo]].filter(([, at]) => at);
    const [addressPlaces, addressValues] = rowsOf(
      addresses.map(([kind, at]) => [number, kind, at.name, at.line1, at.line2, at.city, at.postcode, at.country]),
    );
    await client.query(`INSERT INTO addresses VALUES ${addressPlaces}`, addressValues);
    await client.query("INSERT INTO payments VALUES ($1, $2, 'unpaid', $3)", [number, paymentInfo.method, total]);
    return orderOf(wanted, lines, decided, number, customerId);
  }

  async function place(wanted) {
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const order = await write(client, wanted);
      await client.query("COMMIT");
      return order;
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  }
  const listProducts = async () => (await pool.query("SELECT * FROM products ORDER BY id")).rows;
  return { listProducts, place };
}
