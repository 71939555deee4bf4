CREATE TABLE accounts (
  id TEXT NOT NULL,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL,
  active INTEGER DEFAULT 1 NOT NULL,
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT role_known CHECK (role IN ('admin', 'store', 'customer', 'driver')),
  UNIQUE (email)
)

CREATE TABLE customers (
  id TEXT NOT NULL,
  email TEXT NOT NULL,
  registered INTEGER DEFAULT 0 NOT NULL,
  name TEXT NOT NULL,
  mobile TEXT DEFAULT '' NOT NULL,
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT customer_email_once UNIQUE (email, registered)
)

CREATE TABLE feed (
  seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT,
  at TEXT NOT NULL,
  "before" TEXT,
  "after" TEXT
)

CREATE TABLE idempotency (
  scope TEXT NOT NULL,
  "key" TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  answer TEXT NOT NULL,
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
  PRIMARY KEY (scope, "key")
)
 WITHOUT ROWID

CREATE INDEX idempotency_by_age ON idempotency (created_at)

CREATE TABLE meta (
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (name)
)

CREATE TABLE order_history (
  entry INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  from_status TEXT,
  to_status TEXT NOT NULL,
  from_payment_status TEXT,
  to_payment_status TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (entry)
)

CREATE INDEX history_by_order ON order_history (order_id, version)

CREATE TABLE orders (
  number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id TEXT DEFAULT ('ord_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL,
  status TEXT DEFAULT 'pending' NOT NULL,
  payment_status TEXT DEFAULT 'unpaid' NOT NULL,
  fulfilment TEXT DEFAULT 'delivery' NOT NULL,
  version INTEGER DEFAULT 1 NOT NULL,
  subtotal INTEGER DEFAULT 0 NOT NULL CONSTRAINT subtotal_not_negative CHECK (subtotal >= 0),
  tax INTEGER DEFAULT 0 NOT NULL CONSTRAINT tax_not_negative CHECK (tax >= 0),
  shipping_fee INTEGER DEFAULT 0 NOT NULL CONSTRAINT shipping_fee_not_negative CHECK (shipping_fee >= 0),
  discount INTEGER DEFAULT 0 NOT NULL CONSTRAINT discount_not_negative CHECK (discount >= 0),
  total INTEGER DEFAULT 0 NOT NULL CONSTRAINT total_not_negative CHECK (total >= 0),
  currency TEXT DEFAULT 'BDT' NOT NULL,
  customer_id TEXT,
  customer_name TEXT,
  customer_email TEXT,
  customer_mobile TEXT,
  billing_info TEXT CONSTRAINT billing_info_is_json CHECK (billing_info IS NULL OR json_valid(billing_info)),
  shipping_info TEXT CONSTRAINT shipping_info_is_json CHECK (shipping_info IS NULL OR json_valid(shipping_info)),
  cart_items TEXT DEFAULT '[]' NOT NULL CONSTRAINT cart_items_is_json CHECK (cart_items IS NULL OR json_valid(cart_items)),
  payment_info TEXT DEFAULT '{"method":"cash"}' NOT NULL CONSTRAINT payment_info_is_json CHECK (payment_info IS NULL OR json_valid(payment_info)),
  driver_id TEXT,
  held_from TEXT,
  attempts INTEGER DEFAULT 0 NOT NULL,
  tracking_hash BLOB,
  actor TEXT DEFAULT 'db:external' NOT NULL,
  reason TEXT,
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
  CONSTRAINT status_known CHECK (status IN ('pending', 'processing', 'ready_for_pickup', 'ready_for_delivery', 'driver_assigned', 'picked_up', 'in_transit', 'delivered', 'delivery_failed', 'returning', 'returned', 'on_hold', 'rejected', 'expired', 'cancelled')),
  CONSTRAINT payment_status_known CHECK (payment_status IN ('unpaid', 'authorized', 'paid', 'partially_refunded', 'refunded', 'failed', 'voided', 'disputed')),
  CONSTRAINT fulfilment_known CHECK (fulfilment IN ('delivery', 'pickup')),
  CONSTRAINT held_from_known CHECK (held_from IN ('pending', 'processing', 'ready_for_pickup', 'ready_for_delivery', 'driver_assigned', 'picked_up', 'in_transit', 'delivered', 'delivery_failed', 'returning', 'returned', 'on_hold', 'rejected', 'expired', 'cancelled')),
  UNIQUE (id)
)

CREATE INDEX orders_by_customer ON orders (customer_id, number)

CREATE INDEX orders_by_driver ON orders (driver_id, number) WHERE driver_id IS NOT NULL

CREATE INDEX orders_by_status ON orders (status, number)

CREATE UNIQUE INDEX orders_by_tracking_hash ON orders (tracking_hash) WHERE tracking_hash IS NOT NULL

CREATE TABLE products (
  id TEXT DEFAULT ('prd_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  name_bn TEXT DEFAULT '' NOT NULL,
  description TEXT DEFAULT '' NOT NULL,
  description_bn TEXT DEFAULT '' NOT NULL,
  price INTEGER NOT NULL CONSTRAINT price_bounds CHECK (price BETWEEN 0 AND 10000000000),
  currency TEXT DEFAULT 'BDT' NOT NULL,
  stock INTEGER NOT NULL CONSTRAINT stock_not_negative CHECK (stock >= 0),
  tax_class TEXT DEFAULT 'standard' NOT NULL,
  image TEXT DEFAULT '' NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (slug)
)

CREATE TABLE published_events (
  id TEXT DEFAULT ('evt_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL,
  event TEXT NOT NULL CONSTRAINT event_not_reserved CHECK (event NOT IN ('connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener', 'error')),
  rooms TEXT DEFAULT '[]' NOT NULL CONSTRAINT rooms_is_array CHECK (CASE WHEN json_valid(rooms) THEN json_type(rooms) = 'array' ELSE 0 END),
  args TEXT DEFAULT '[]' NOT NULL CONSTRAINT args_is_array CHECK (CASE WHEN json_valid(args) THEN json_type(args) = 'array' ELSE 0 END),
  actor TEXT DEFAULT 'db:external' NOT NULL,
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
  PRIMARY KEY (id)
)

CREATE INDEX published_events_by_age ON published_events (created_at)

CREATE TABLE sessions (
  pid TEXT NOT NULL,
  sid TEXT NOT NULL,
  namespace TEXT NOT NULL,
  identity BLOB NOT NULL,
  rooms TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  PRIMARY KEY (pid)
)
 WITHOUT ROWID

CREATE INDEX sessions_by_age ON sessions (seen_at)

CREATE TABLE order_lines (
  order_number INTEGER NOT NULL,
  position INTEGER NOT NULL,
  product_id TEXT NOT NULL,
  quantity INTEGER NOT NULL CONSTRAINT quantity_positive CHECK (quantity > 0),
  unit_price INTEGER DEFAULT 0 NOT NULL CONSTRAINT unit_price_not_negative CHECK (unit_price >= 0),
  line_total INTEGER DEFAULT 0 NOT NULL CONSTRAINT line_total_not_negative CHECK (line_total >= 0),
  tax INTEGER DEFAULT 0 NOT NULL CONSTRAINT tax_not_negative CHECK (tax >= 0),
  PRIMARY KEY (order_number, position),
  FOREIGN KEY(order_number) REFERENCES orders (number),
  FOREIGN KEY(product_id) REFERENCES products (id)
)
 WITHOUT ROWID

CREATE TRIGGER orders_placed AFTER INSERT ON orders
BEGIN
  INSERT INTO order_history (order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at)
    VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NEW.actor, NEW.reason, NEW.updated_at);
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('order.placed', NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, json_object('id', NEW.id, 'number', NEW.number, 'status', NEW.status, 'paymentStatus', NEW.payment_status, 'fulfilment', NEW.fulfilment, 'version', NEW.version, 'subtotal', NEW.subtotal, 'tax', NEW.tax, 'shippingFee', NEW.shipping_fee, 'discount', NEW.discount, 'total', NEW.total, 'currency', NEW.currency, 'customerInfo', json_object('name', NEW.customer_name, 'email', NEW.customer_email, 'mobile', NEW.customer_mobile), 'billingInfo', json(NEW.billing_info), 'shippingInfo', json(NEW.shipping_info), 'cartItems', json(NEW.cart_items), 'paymentInfo', json(NEW.payment_info), 'customerId', NEW.customer_id, 'driverId', NEW.driver_id, 'heldFrom', NEW.held_from, 'createdAt', NEW.created_at, 'updatedAt', NEW.updated_at));
END

CREATE TRIGGER orders_changed AFTER UPDATE ON orders WHEN OLD.id IS NOT NEW.id OR OLD.number IS NOT NEW.number OR OLD.status IS NOT NEW.status OR OLD.payment_status IS NOT NEW.payment_status OR OLD.fulfilment IS NOT NEW.fulfilment OR OLD.subtotal IS NOT NEW.subtotal OR OLD.tax IS NOT NEW.tax OR OLD.shipping_fee IS NOT NEW.shipping_fee OR OLD.discount IS NOT NEW.discount OR OLD.total IS NOT NEW.total OR OLD.currency IS NOT NEW.currency OR OLD.customer_name IS NOT NEW.customer_name OR OLD.customer_email IS NOT NEW.customer_email OR OLD.customer_mobile IS NOT NEW.customer_mobile OR OLD.billing_info IS NOT NEW.billing_info OR OLD.shipping_info IS NOT NEW.shipping_info OR OLD.cart_items IS NOT NEW.cart_items OR OLD.payment_info IS NOT NEW.payment_info OR OLD.customer_id IS NOT NEW.customer_id OR OLD.driver_id IS NOT NEW.driver_id OR OLD.held_from IS NOT NEW.held_from OR OLD.created_at IS NOT NEW.created_at
BEGIN
  UPDATE orders
    SET version = OLD.version + 1, actor = 'db:external', reason = NULL, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE number = NEW.number AND NEW.version <= OLD.version;
  INSERT INTO order_history (order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at)
    SELECT id, version, OLD.status, status, OLD.payment_status, payment_status, actor, reason, updated_at
    FROM orders WHERE number = NEW.number;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    SELECT
      CASE
        WHEN OLD.status <> status THEN 'order.status_changed'
        WHEN OLD.payment_status <> payment_status THEN 'order.payment_changed'
        ELSE 'order.changed'
      END,
      id, version, actor, reason, updated_at, json_object('id', OLD.id, 'number', OLD.number, 'status', OLD.status, 'paymentStatus', OLD.payment_status, 'fulfilment', OLD.fulfilment, 'version', OLD.version, 'subtotal', OLD.subtotal, 'tax', OLD.tax, 'shippingFee', OLD.shipping_fee, 'discount', OLD.discount, 'total', OLD.total, 'currency', OLD.currency, 'customerInfo', json_object('name', OLD.customer_name, 'email', OLD.customer_email, 'mobile', OLD.customer_mobile), 'billingInfo', json(OLD.billing_info), 'shippingInfo', json(OLD.shipping_info), 'cartItems', json(OLD.cart_items), 'paymentInfo', json(OLD.payment_info), 'customerId', OLD.customer_id, 'driverId', OLD.driver_id, 'heldFrom', OLD.held_from, 'createdAt', OLD.created_at, 'updatedAt', OLD.updated_at), json_object('id', orders.id, 'number', orders.number, 'status', orders.status, 'paymentStatus', orders.payment_status, 'fulfilment', orders.fulfilment, 'version', orders.version, 'subtotal', orders.subtotal, 'tax', orders.tax, 'shippingFee', orders.shipping_fee, 'discount', orders.discount, 'total', orders.total, 'currency', orders.currency, 'customerInfo', json_object('name', orders.customer_name, 'email', orders.customer_email, 'mobile', orders.customer_mobile), 'billingInfo', json(orders.billing_info), 'shippingInfo', json(orders.shipping_info), 'cartItems', json(orders.cart_items), 'paymentInfo', json(orders.payment_info), 'customerId', orders.customer_id, 'driverId', orders.driver_id, 'heldFrom', orders.held_from, 'createdAt', orders.created_at, 'updatedAt', orders.updated_at)
    FROM orders WHERE number = NEW.number;
END

CREATE TRIGGER orders_kept BEFORE DELETE ON orders
BEGIN
  SELECT RAISE(ABORT, 'an order is cancelled, never deleted');
END

CREATE TRIGGER orders_named_once BEFORE UPDATE ON orders WHEN OLD.id IS NOT NEW.id OR OLD.number IS NOT NEW.number
BEGIN
  SELECT RAISE(ABORT, 'an order keeps its id and number');
END

CREATE TRIGGER history_kept BEFORE DELETE ON order_history
BEGIN
  SELECT RAISE(ABORT, 'history is only ever added to');
END

CREATE TRIGGER history_unchanged BEFORE UPDATE ON order_history
BEGIN
  SELECT RAISE(ABORT, 'history is only ever added to');
END

CREATE TRIGGER events_published AFTER INSERT ON published_events
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('event.published', NEW.id, 1, NEW.actor, NULL, NEW.created_at, NULL,
      json_object('event', NEW.event, 'rooms', json(NEW.rooms), 'args', json(NEW.args)));
END

INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', 1000)

INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(8))))
