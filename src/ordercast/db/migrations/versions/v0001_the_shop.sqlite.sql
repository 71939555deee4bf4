CREATE TABLE accounts (
  id TEXT NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  email TEXT NOT NULL CONSTRAINT email_is_line CHECK (length(CAST(email AS BLOB)) <= 2048),
  name TEXT NOT NULL CONSTRAINT name_is_line CHECK (length(CAST(name AS BLOB)) <= 2048),
  password_hash TEXT NOT NULL CONSTRAINT password_hash_is_line CHECK (length(CAST(password_hash AS BLOB)) <= 2048),
  role TEXT NOT NULL CONSTRAINT role_is_word CHECK (length(CAST(role AS BLOB)) <= 64),
  active INTEGER DEFAULT 1 NOT NULL CONSTRAINT active_is_flag CHECK (active = 0 OR active = 1),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  PRIMARY KEY (id),
  CONSTRAINT role_known CHECK (role = 'admin' OR role = 'store' OR role = 'customer' OR role = 'driver'),
  UNIQUE (email)
)
 STRICT

CREATE INDEX accounts_of_drivers ON accounts (id) WHERE role = 'driver'

CREATE TABLE customers (
  id TEXT NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  email TEXT NOT NULL CONSTRAINT email_is_line CHECK (length(CAST(email AS BLOB)) <= 2048),
  name TEXT NOT NULL CONSTRAINT name_is_line CHECK (length(CAST(name AS BLOB)) <= 2048),
  mobile TEXT DEFAULT '' NOT NULL CONSTRAINT mobile_is_line CHECK (length(CAST(mobile AS BLOB)) <= 2048),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  PRIMARY KEY (id),
  CONSTRAINT customer_email_once UNIQUE (email)
)
 STRICT

CREATE TABLE deliveries (
  entry INTEGER NOT NULL,
  order_id TEXT NOT NULL CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  version INTEGER NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  stage TEXT NOT NULL CONSTRAINT stage_is_word CHECK (length(CAST(stage AS BLOB)) <= 64),
  driver_id TEXT CONSTRAINT driver_id_is_id CHECK (length(CAST(driver_id AS BLOB)) BETWEEN 1 AND 1020),
  former_driver_id TEXT CONSTRAINT former_driver_id_is_id CHECK (length(CAST(former_driver_id AS BLOB)) BETWEEN 1 AND 1020),
  attempts INTEGER NOT NULL CONSTRAINT attempts_is_count CHECK (attempts BETWEEN 0 AND 1000000000000),
  eta_at TEXT CONSTRAINT eta_at_is_moment CHECK (CASE length(eta_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', eta_at) IS eta_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', eta_at) IS eta_at ELSE eta_at IS NULL END),
  lat REAL CONSTRAINT lat_bounds CHECK (lat BETWEEN -90 AND 90),
  lng REAL CONSTRAINT lng_bounds CHECK (lng BETWEEN -180 AND 180),
  at TEXT NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (entry)
)
 STRICT

CREATE INDEX deliveries_by_order ON deliveries (order_id, entry)

CREATE TABLE delivery_proofs (
  order_id TEXT NOT NULL CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  value TEXT NOT NULL CONSTRAINT value_is_text CHECK (length(CAST(value AS BLOB)) <= 8192),
  actor TEXT NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (order_id),
  CONSTRAINT kind_known CHECK (kind = 'code' OR kind = 'photo' OR kind = 'signature' OR kind = 'note')
)
 WITHOUT ROWID,
 STRICT

CREATE TABLE driver_states (
  driver_id TEXT NOT NULL CONSTRAINT driver_id_is_id CHECK (length(CAST(driver_id AS BLOB)) BETWEEN 1 AND 1020),
  on_duty INTEGER DEFAULT 0 NOT NULL CONSTRAINT on_duty_is_flag CHECK (on_duty = 0 OR on_duty = 1),
  lat REAL CONSTRAINT lat_bounds CHECK (lat BETWEEN -90 AND 90),
  lng REAL CONSTRAINT lng_bounds CHECK (lng BETWEEN -180 AND 180),
  accuracy_m REAL CONSTRAINT accuracy_bounds CHECK (accuracy_m BETWEEN 0 AND 20100000),
  located_at TEXT CONSTRAINT located_at_is_moment CHECK (CASE length(located_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', located_at) IS located_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', located_at) IS located_at ELSE located_at IS NULL END),
  assigned_at TEXT CONSTRAINT assigned_at_is_moment CHECK (CASE length(assigned_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', assigned_at) IS assigned_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', assigned_at) IS assigned_at ELSE assigned_at IS NULL END),
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT updated_at_is_moment CHECK (CASE length(updated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) IS updated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', updated_at) IS updated_at ELSE updated_at IS NULL END),
  PRIMARY KEY (driver_id)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX drivers_on_duty ON driver_states (driver_id) WHERE on_duty = 1

CREATE TABLE erasures (
  id TEXT NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  customer_id TEXT NOT NULL CONSTRAINT customer_id_is_id CHECK (length(CAST(customer_id AS BLOB)) BETWEEN 1 AND 1020),
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (id)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX erasures_by_customer ON erasures (customer_id)

CREATE TABLE feed (
  seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  entity_id TEXT NOT NULL CONSTRAINT entity_id_is_line CHECK (length(CAST(entity_id AS BLOB)) <= 2048),
  version INTEGER NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  actor TEXT NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  at TEXT NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  "before" TEXT CONSTRAINT before_is_told CHECK (length(CAST(before AS BLOB)) <= 8388608),
  "after" TEXT CONSTRAINT after_is_told CHECK (length(CAST(after AS BLOB)) <= 8388608)
)
 STRICT

CREATE TABLE idempotency (
  scope TEXT NOT NULL CONSTRAINT scope_is_line CHECK (length(CAST(scope AS BLOB)) <= 2048),
  "key" TEXT NOT NULL CONSTRAINT key_is_line CHECK (length(CAST(key AS BLOB)) <= 2048),
  fingerprint BLOB NOT NULL CONSTRAINT fingerprint_is_digest CHECK (length(fingerprint) <= 64),
  answer TEXT NOT NULL CONSTRAINT answer_is_told CHECK (length(CAST(answer AS BLOB)) <= 8388608),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  PRIMARY KEY (scope, "key")
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX idempotency_by_age ON idempotency (created_at)

CREATE TABLE meta (
  name TEXT NOT NULL CONSTRAINT name_is_line CHECK (length(CAST(name AS BLOB)) <= 2048),
  value TEXT NOT NULL CONSTRAINT value_is_text CHECK (length(CAST(value AS BLOB)) <= 8192),
  PRIMARY KEY (name),
  CONSTRAINT epoch_is_hex CHECK (name <> 'epoch' OR length(CAST(value AS BLOB)) = 16 AND value NOT GLOB '*[^0-9a-f]*')
)
 STRICT

CREATE TABLE mirrored_orders (
  entry INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL CONSTRAINT source_is_line CHECK (length(CAST(source AS BLOB)) <= 2048),
  foreign_key TEXT NOT NULL CONSTRAINT foreign_key_is_line CHECK (length(CAST(foreign_key AS BLOB)) <= 2048),
  id TEXT CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  version INTEGER DEFAULT 0 NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  document TEXT CONSTRAINT document_is_json CHECK (document IS NULL OR json_valid(document)) CONSTRAINT document_is_object CHECK (substr(ltrim(document, char(9, 10, 13, 32)), 1, 1) = '{' AND length(CAST(document AS BLOB)) <= 2097152),
  status TEXT CONSTRAINT status_is_word CHECK (length(CAST(status AS BLOB)) <= 64),
  customer_id TEXT CONSTRAINT customer_id_is_id CHECK (length(CAST(customer_id AS BLOB)) BETWEEN 1 AND 1020),
  driver_id TEXT CONSTRAINT driver_id_is_id CHECK (length(CAST(driver_id AS BLOB)) BETWEEN 1 AND 1020),
  raw TEXT NOT NULL CONSTRAINT raw_is_foreign CHECK (length(CAST(raw AS BLOB)) <= 50331648),
  as_of TEXT NOT NULL CONSTRAINT as_of_is_word CHECK (length(CAST(as_of AS BLOB)) <= 64),
  snapshot INTEGER NOT NULL CONSTRAINT snapshot_is_count CHECK (snapshot BETWEEN 0 AND 1000000000000),
  gone INTEGER DEFAULT 0 NOT NULL CONSTRAINT gone_is_flag CHECK (gone = 0 OR gone = 1),
  imported INTEGER DEFAULT 0 NOT NULL CONSTRAINT imported_is_flag CHECK (imported = 0 OR imported = 1),
  actor TEXT NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT updated_at_is_moment CHECK (CASE length(updated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) IS updated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', updated_at) IS updated_at ELSE updated_at IS NULL END),
  UNIQUE (id)
)
 STRICT

CREATE INDEX mirrored_by_customer ON mirrored_orders (customer_id, entry)

CREATE INDEX mirrored_by_customer_status ON mirrored_orders (customer_id, status, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_by_driver ON mirrored_orders (driver_id, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_by_driver_status ON mirrored_orders (driver_id, status, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_by_entry ON mirrored_orders (entry) WHERE document IS NOT NULL

CREATE UNIQUE INDEX mirrored_by_key ON mirrored_orders (source, foreign_key)

CREATE INDEX mirrored_by_status ON mirrored_orders (status, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_there ON mirrored_orders (source, snapshot, entry) WHERE gone = 0

CREATE TABLE notification_marks (
  user_id TEXT NOT NULL CONSTRAINT user_id_is_id CHECK (length(CAST(user_id AS BLOB)) BETWEEN 1 AND 1020),
  recipient TEXT NOT NULL CONSTRAINT recipient_is_id CHECK (length(CAST(recipient AS BLOB)) BETWEEN 1 AND 1020),
  through INTEGER NOT NULL CONSTRAINT through_is_count CHECK (through BETWEEN 0 AND 1000000000000),
  read_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT read_at_is_moment CHECK (CASE length(read_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', read_at) IS read_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', read_at) IS read_at ELSE read_at IS NULL END),
  unseen TEXT DEFAULT '' NOT NULL CONSTRAINT unseen_is_text CHECK (length(CAST(unseen AS BLOB)) <= 8192),
  PRIMARY KEY (user_id, recipient, through)
)
 WITHOUT ROWID,
 STRICT

CREATE TABLE notification_reads (
  notification_id TEXT NOT NULL CONSTRAINT notification_id_is_id CHECK (length(CAST(notification_id AS BLOB)) BETWEEN 1 AND 1020),
  user_id TEXT NOT NULL CONSTRAINT user_id_is_id CHECK (length(CAST(user_id AS BLOB)) BETWEEN 1 AND 1020),
  recipient TEXT NOT NULL CONSTRAINT recipient_is_id CHECK (length(CAST(recipient AS BLOB)) BETWEEN 1 AND 1020),
  entry INTEGER NOT NULL CONSTRAINT entry_is_count CHECK (entry BETWEEN 0 AND 1000000000000),
  read_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT read_at_is_moment CHECK (CASE length(read_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', read_at) IS read_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', read_at) IS read_at ELSE read_at IS NULL END),
  PRIMARY KEY (notification_id, user_id)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX notification_reads_by_user ON notification_reads (user_id, recipient, entry)

CREATE TABLE notifications (
  written_in INTEGER DEFAULT (NULL),
  entry INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id TEXT DEFAULT ('ntf_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  recipient TEXT NOT NULL CONSTRAINT recipient_is_id CHECK (length(CAST(recipient AS BLOB)) BETWEEN 1 AND 1020),
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  order_id TEXT CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  data TEXT DEFAULT '{}' NOT NULL CONSTRAINT data_is_json CHECK (data IS NULL OR json_valid(data)) CONSTRAINT data_is_object CHECK (substr(ltrim(data, char(9, 10, 13, 32)), 1, 1) = '{' AND length(CAST(data AS BLOB)) <= 2097152),
  severity TEXT DEFAULT 'info' NOT NULL CONSTRAINT severity_is_word CHECK (length(CAST(severity AS BLOB)) <= 64),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  CONSTRAINT kind_known CHECK (kind = 'order_status' OR kind = 'new_orders' OR kind = 'order_cancelled' OR kind = 'payment_trouble' OR kind = 'delivery_trouble' OR kind = 'assigned' OR kind = 'unassigned'),
  CONSTRAINT severity_known CHECK (severity = 'info' OR severity = 'warning' OR severity = 'error'),
  UNIQUE (id)
)
 STRICT

CREATE INDEX notifications_by_age ON notifications (created_at, entry)

CREATE INDEX notifications_by_recipient ON notifications (recipient, entry)

CREATE INDEX notifications_by_transaction ON notifications (written_in, entry) WHERE written_in IS NOT NULL

CREATE TABLE order_history (
  entry INTEGER NOT NULL,
  order_id TEXT NOT NULL CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  version INTEGER NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  from_status TEXT CONSTRAINT from_status_is_word CHECK (length(CAST(from_status AS BLOB)) <= 64),
  to_status TEXT NOT NULL CONSTRAINT to_status_is_word CHECK (length(CAST(to_status AS BLOB)) <= 64),
  from_payment_status TEXT CONSTRAINT from_payment_status_is_word CHECK (length(CAST(from_payment_status AS BLOB)) <= 64),
  to_payment_status TEXT NOT NULL CONSTRAINT to_payment_status_is_word CHECK (length(CAST(to_payment_status AS BLOB)) <= 64),
  actor TEXT NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  at TEXT NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (entry)
)
 STRICT

CREATE INDEX history_by_order ON order_history (order_id, entry)

CREATE INDEX history_of_finishing ON order_history (at) WHERE to_status IN ('delivered', 'ready_for_delivery', 'ready_for_pickup')

CREATE TABLE orders (
  number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id TEXT DEFAULT ('ord_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  status TEXT DEFAULT 'pending' NOT NULL CONSTRAINT status_is_word CHECK (length(CAST(status AS BLOB)) <= 64),
  payment_status TEXT DEFAULT 'unpaid' NOT NULL CONSTRAINT payment_status_is_word CHECK (length(CAST(payment_status AS BLOB)) <= 64),
  fulfilment TEXT DEFAULT 'delivery' NOT NULL CONSTRAINT fulfilment_is_word CHECK (length(CAST(fulfilment AS BLOB)) <= 64),
  version INTEGER DEFAULT 1 NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  subtotal INTEGER DEFAULT 0 NOT NULL CONSTRAINT subtotal_not_negative CHECK (subtotal >= 0),
  tax INTEGER DEFAULT 0 NOT NULL CONSTRAINT tax_not_negative CHECK (tax >= 0),
  shipping_fee INTEGER DEFAULT 0 NOT NULL CONSTRAINT shipping_fee_not_negative CHECK (shipping_fee >= 0),
  discount INTEGER DEFAULT 0 NOT NULL CONSTRAINT discount_not_negative CHECK (discount >= 0),
  total INTEGER DEFAULT 0 NOT NULL CONSTRAINT total_not_negative CHECK (total >= 0),
  captured INTEGER DEFAULT 0 NOT NULL CONSTRAINT captured_not_negative CHECK (captured >= 0),
  refunded INTEGER DEFAULT 0 NOT NULL CONSTRAINT refunded_not_negative CHECK (refunded >= 0),
  refunding INTEGER DEFAULT 0 NOT NULL CONSTRAINT refunding_not_negative CHECK (refunding >= 0),
  currency TEXT DEFAULT 'BDT' NOT NULL CONSTRAINT currency_is_currency CHECK (currency GLOB '[A-Z][A-Z][A-Z]' AND length(CAST(currency AS BLOB)) = 3),
  prices_include_tax INTEGER DEFAULT 0 NOT NULL CONSTRAINT prices_include_tax_is_flag CHECK (prices_include_tax = 0 OR prices_include_tax = 1),
  promo_code TEXT CONSTRAINT promo_code_is_line CHECK (length(CAST(promo_code AS BLOB)) <= 2048),
  customer_id TEXT CONSTRAINT customer_id_is_id CHECK (length(CAST(customer_id AS BLOB)) BETWEEN 1 AND 1020),
  customer_name TEXT CONSTRAINT customer_name_is_line CHECK (length(CAST(customer_name AS BLOB)) <= 2048),
  customer_email TEXT CONSTRAINT customer_email_is_line CHECK (length(CAST(customer_email AS BLOB)) <= 2048),
  customer_mobile TEXT CONSTRAINT customer_mobile_is_line CHECK (length(CAST(customer_mobile AS BLOB)) <= 2048),
  billing_info TEXT CONSTRAINT billing_info_is_json CHECK (billing_info IS NULL OR json_valid(billing_info)) CONSTRAINT billing_info_is_object CHECK (substr(ltrim(billing_info, char(9, 10, 13, 32)), 1, 1) = '{' AND length(CAST(billing_info AS BLOB)) <= 2097152),
  shipping_info TEXT CONSTRAINT shipping_info_is_json CHECK (shipping_info IS NULL OR json_valid(shipping_info)) CONSTRAINT shipping_info_is_object CHECK (substr(ltrim(shipping_info, char(9, 10, 13, 32)), 1, 1) = '{' AND length(CAST(shipping_info AS BLOB)) <= 2097152),
  cart_items TEXT DEFAULT '[]' NOT NULL CONSTRAINT cart_items_is_array CHECK (substr(ltrim(cart_items, char(9, 10, 13, 32)), 1, 1) = '[' AND length(CAST(cart_items AS BLOB)) <= 2097152) CONSTRAINT cart_items_is_json CHECK (cart_items IS NULL OR json_valid(cart_items)),
  payment_info TEXT DEFAULT '{"method":"cash"}' NOT NULL CONSTRAINT payment_info_is_json CHECK (payment_info IS NULL OR json_valid(payment_info)) CONSTRAINT payment_info_is_object CHECK (substr(ltrim(payment_info, char(9, 10, 13, 32)), 1, 1) = '{' AND length(CAST(payment_info AS BLOB)) <= 2097152),
  driver_id TEXT CONSTRAINT driver_id_is_id CHECK (length(CAST(driver_id AS BLOB)) BETWEEN 1 AND 1020),
  held_from TEXT CONSTRAINT held_from_is_word CHECK (length(CAST(held_from AS BLOB)) <= 64),
  attempts INTEGER DEFAULT 0 NOT NULL CONSTRAINT attempts_is_count CHECK (attempts BETWEEN 0 AND 1000000000000),
  eta_at TEXT CONSTRAINT eta_at_is_moment CHECK (CASE length(eta_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', eta_at) IS eta_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', eta_at) IS eta_at ELSE eta_at IS NULL END),
  tracking_hash BLOB CONSTRAINT tracking_hash_is_digest CHECK (length(tracking_hash) <= 64),
  placed_from TEXT CONSTRAINT placed_from_is_line CHECK (length(CAST(placed_from AS BLOB)) <= 2048),
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT updated_at_is_moment CHECK (CASE length(updated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) IS updated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', updated_at) IS updated_at ELSE updated_at IS NULL END),
  CONSTRAINT captured_within_total CHECK (captured <= total),
  CONSTRAINT refunded_within_captured CHECK (refunded + refunding <= captured),
  CONSTRAINT status_known CHECK (status = 'pending' OR status = 'processing' OR status = 'ready_for_pickup' OR status = 'ready_for_delivery' OR status = 'driver_assigned' OR status = 'picked_up' OR status = 'in_transit' OR status = 'delivered' OR status = 'delivery_failed' OR status = 'returning' OR status = 'returned' OR status = 'on_hold' OR status = 'rejected' OR status = 'expired' OR status = 'cancelled'),
  CONSTRAINT payment_status_known CHECK (payment_status = 'unpaid' OR payment_status = 'authorized' OR payment_status = 'paid' OR payment_status = 'partially_refunded' OR payment_status = 'refunded' OR payment_status = 'failed' OR payment_status = 'voided' OR payment_status = 'disputed'),
  CONSTRAINT fulfilment_known CHECK (fulfilment = 'delivery' OR fulfilment = 'pickup'),
  CONSTRAINT held_from_known CHECK (held_from = 'pending' OR held_from = 'processing' OR held_from = 'ready_for_pickup' OR held_from = 'ready_for_delivery' OR held_from = 'driver_assigned' OR held_from = 'picked_up' OR held_from = 'in_transit' OR held_from = 'delivery_failed' OR held_from = 'returning'),
  CONSTRAINT order_held_from CHECK ((status = 'on_hold') = (held_from IS NOT NULL)),
  CONSTRAINT order_sums CHECK (subtotal = 0 OR total = subtotal - discount + shipping_fee + tax * (1 - prices_include_tax)),
  CONSTRAINT order_has_driver CHECK (status = 'pending' OR driver_id IS NOT NULL OR coalesce(held_from, status) NOT IN ('delivery_failed', 'driver_assigned', 'in_transit', 'picked_up', 'returning')),
  CONSTRAINT order_for_delivery CHECK (status = 'pending' OR fulfilment <> 'delivery' OR coalesce(held_from, status) IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'rejected', 'returned', 'returning')),
  CONSTRAINT order_for_pickup CHECK (status = 'pending' OR fulfilment <> 'pickup' OR coalesce(held_from, status) IN ('cancelled', 'delivered', 'expired', 'on_hold', 'pending', 'processing', 'ready_for_pickup', 'rejected')),
  UNIQUE (id),
  CONSTRAINT amounts_within_bounds CHECK (subtotal <= 10000000000000 AND tax <= 10000000000000 AND shipping_fee <= 10000000000000 AND discount <= 10000000000000 AND total <= 10000000000000 AND captured <= 10000000000000 AND refunded <= 10000000000000 AND refunding <= 10000000000000)
)
 STRICT

CREATE INDEX orders_by_customer ON orders (customer_id, number)

CREATE INDEX orders_by_customer_status ON orders (customer_id, status, number)

CREATE INDEX orders_by_driver ON orders (driver_id, number) WHERE driver_id IS NOT NULL

CREATE INDEX orders_by_driver_status ON orders (driver_id, status, number) WHERE driver_id IS NOT NULL

CREATE INDEX orders_by_promotion ON orders (promo_code, customer_id, status) WHERE promo_code IS NOT NULL

CREATE INDEX orders_by_status ON orders (status, number)

CREATE INDEX orders_by_time ON orders (created_at)

CREATE UNIQUE INDEX orders_by_tracking_hash ON orders (tracking_hash) WHERE tracking_hash IS NOT NULL

CREATE INDEX orders_owing ON orders (number) WHERE CASE WHEN payment_status = 'authorized' THEN status NOT IN ('pending', 'on_hold') WHEN payment_status = 'failed' THEN status IN ('cancelled', 'expired', 'rejected', 'returned') AND (captured = 0 OR refunded + refunding < captured) WHEN payment_status IN ('paid', 'partially_refunded') THEN status IN ('cancelled', 'expired', 'rejected', 'returned') AND refunded + refunding < captured ELSE FALSE END

CREATE INDEX orders_waiting_by_caller ON orders (placed_from) WHERE placed_from IS NOT NULL AND status = 'pending' AND payment_status = 'unpaid'

CREATE TABLE payment_disputes (
  provider TEXT NOT NULL CONSTRAINT provider_is_word CHECK (length(CAST(provider AS BLOB)) <= 64),
  reference TEXT NOT NULL CONSTRAINT reference_is_line CHECK (length(CAST(reference AS BLOB)) <= 2048),
  order_id TEXT NOT NULL CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  state TEXT NOT NULL CONSTRAINT state_is_word CHECK (length(CAST(state AS BLOB)) <= 64),
  at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (provider, reference),
  CONSTRAINT state_known CHECK (state = 'open' OR state = 'won' OR state = 'lost')
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX payment_disputes_by_order ON payment_disputes (order_id)

CREATE TABLE payment_events (
  provider TEXT NOT NULL CONSTRAINT provider_is_word CHECK (length(CAST(provider AS BLOB)) <= 64),
  event_id TEXT NOT NULL CONSTRAINT event_id_is_line CHECK (length(CAST(event_id AS BLOB)) <= 2048),
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  order_id TEXT CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  received_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT received_at_is_moment CHECK (CASE length(received_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', received_at) IS received_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', received_at) IS received_at ELSE received_at IS NULL END),
  PRIMARY KEY (provider, event_id)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX payment_events_by_age ON payment_events (received_at)

CREATE TABLE payment_methods (
  id TEXT DEFAULT ('pm_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  customer_id TEXT NOT NULL CONSTRAINT customer_id_is_id CHECK (length(CAST(customer_id AS BLOB)) BETWEEN 1 AND 1020),
  provider TEXT NOT NULL CONSTRAINT provider_is_word CHECK (length(CAST(provider AS BLOB)) <= 64),
  reference TEXT NOT NULL CONSTRAINT reference_is_line CHECK (length(CAST(reference AS BLOB)) <= 2048),
  owner TEXT NOT NULL CONSTRAINT owner_is_line CHECK (length(CAST(owner AS BLOB)) <= 2048),
  brand TEXT CONSTRAINT brand_is_line CHECK (length(CAST(brand AS BLOB)) <= 2048),
  last4 TEXT CONSTRAINT last4_is_word CHECK (length(CAST(last4 AS BLOB)) <= 64),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  PRIMARY KEY (id)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX payment_methods_by_customer ON payment_methods (customer_id, id)

CREATE UNIQUE INDEX payment_methods_once ON payment_methods (customer_id, provider, reference)

CREATE TABLE payment_mismatches (
  id TEXT DEFAULT ('pmm_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  order_id TEXT NOT NULL CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  provider TEXT NOT NULL CONSTRAINT provider_is_word CHECK (length(CAST(provider AS BLOB)) <= 64),
  reference TEXT CONSTRAINT reference_is_line CHECK (length(CAST(reference AS BLOB)) <= 2048),
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  ours TEXT CONSTRAINT ours_is_json CHECK (ours IS NULL OR json_valid(ours)) CONSTRAINT ours_is_short CHECK (length(CAST(ours AS BLOB)) <= 2097152),
  theirs TEXT CONSTRAINT theirs_is_json CHECK (theirs IS NULL OR json_valid(theirs)) CONSTRAINT theirs_is_short CHECK (length(CAST(theirs AS BLOB)) <= 2097152),
  sentence TEXT NOT NULL CONSTRAINT sentence_is_text CHECK (length(CAST(sentence AS BLOB)) <= 8192),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  resolved_at TEXT CONSTRAINT resolved_at_is_moment CHECK (CASE length(resolved_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', resolved_at) IS resolved_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', resolved_at) IS resolved_at ELSE resolved_at IS NULL END),
  resolved_by TEXT CONSTRAINT resolved_by_is_line CHECK (length(CAST(resolved_by AS BLOB)) <= 2048),
  note TEXT CONSTRAINT note_is_text CHECK (length(CAST(note AS BLOB)) <= 8192),
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  PRIMARY KEY (id),
  CONSTRAINT kind_known CHECK (kind = 'unknown_payment' OR kind = 'currency' OR kind = 'captured' OR kind = 'refunded' OR kind = 'held' OR kind = 'disputed' OR kind = 'paid_in_part' OR kind = 'task_refused' OR kind = 'impossible_move' OR kind = 'refund_failed'),
  CONSTRAINT resolved_by_somebody CHECK ((resolved_at IS NULL) = (resolved_by IS NULL))
)
 STRICT

CREATE UNIQUE INDEX payment_mismatches_open ON payment_mismatches (order_id, kind) WHERE resolved_at IS NULL

CREATE INDEX payment_mismatches_to_see_to ON payment_mismatches (id) WHERE resolved_at IS NULL

CREATE TABLE payment_tasks (
  entry INTEGER NOT NULL,
  id TEXT NOT NULL CONSTRAINT id_is_line CHECK (length(CAST(id AS BLOB)) <= 2048),
  order_id TEXT CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  provider TEXT NOT NULL CONSTRAINT provider_is_word CHECK (length(CAST(provider AS BLOB)) <= 64),
  reference TEXT DEFAULT '' NOT NULL CONSTRAINT reference_is_line CHECK (length(CAST(reference AS BLOB)) <= 2048),
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  amount INTEGER DEFAULT 0 NOT NULL CONSTRAINT amount_not_negative CHECK (amount >= 0),
  currency TEXT DEFAULT '' NOT NULL CONSTRAINT currency_is_word CHECK (length(CAST(currency AS BLOB)) <= 64),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  state TEXT DEFAULT 'due' NOT NULL CONSTRAINT state_is_word CHECK (length(CAST(state AS BLOB)) <= 64),
  attempts INTEGER DEFAULT 0 NOT NULL CONSTRAINT attempts_is_count CHECK (attempts BETWEEN 0 AND 1000000000000),
  due_at TEXT NOT NULL CONSTRAINT due_at_is_moment CHECK (CASE length(due_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', due_at) IS due_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', due_at) IS due_at ELSE due_at IS NULL END),
  problem TEXT CONSTRAINT problem_is_text CHECK (length(CAST(problem AS BLOB)) <= 8192),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  PRIMARY KEY (entry),
  CONSTRAINT kind_known CHECK (kind = 'capture' OR kind = 'void' OR kind = 'refund' OR kind = 'abandon' OR kind = 'forget_card'),
  CONSTRAINT state_known CHECK (state = 'due' OR state = 'done' OR state = 'refused'),
  UNIQUE (id),
  CONSTRAINT amounts_within_bounds CHECK (amount <= 10000000000000)
)
 STRICT

CREATE INDEX payment_tasks_by_order ON payment_tasks (order_id, entry)

CREATE INDEX payment_tasks_due ON payment_tasks (due_at) WHERE state = 'due'

CREATE TABLE payments (
  entry INTEGER NOT NULL,
  order_id TEXT NOT NULL CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  provider TEXT NOT NULL CONSTRAINT provider_is_word CHECK (length(CAST(provider AS BLOB)) <= 64),
  reference TEXT CONSTRAINT reference_is_line CHECK (length(CAST(reference AS BLOB)) <= 2048),
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  amount INTEGER DEFAULT 0 NOT NULL CONSTRAINT amount_not_negative CHECK (amount >= 0),
  currency TEXT NOT NULL CONSTRAINT currency_is_currency CHECK (currency GLOB '[A-Z][A-Z][A-Z]' AND length(CAST(currency AS BLOB)) = 3),
  at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (entry),
  CONSTRAINT kind_known CHECK (kind = 'authorized' OR kind = 'captured' OR kind = 'voided' OR kind = 'failed'),
  CONSTRAINT amounts_within_bounds CHECK (amount <= 10000000000000)
)
 STRICT

CREATE INDEX payments_by_order ON payments (order_id, entry)

CREATE INDEX payments_by_reference ON payments (provider, reference)

CREATE INDEX payments_to_compare ON payments (at, entry) WHERE kind = 'authorized' AND reference IS NOT NULL

CREATE TABLE product_history (
  entry INTEGER NOT NULL,
  product_id TEXT NOT NULL CONSTRAINT product_id_is_id CHECK (length(CAST(product_id AS BLOB)) BETWEEN 1 AND 1020),
  version INTEGER NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  "before" TEXT CONSTRAINT before_is_told CHECK (length(CAST(before AS BLOB)) <= 8388608),
  "after" TEXT NOT NULL CONSTRAINT after_is_told CHECK (length(CAST(after AS BLOB)) <= 8388608),
  actor TEXT NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  at TEXT NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (entry)
)
 STRICT

CREATE INDEX product_history_by_product ON product_history (product_id, entry)

CREATE TABLE products (
  id TEXT DEFAULT ('prd_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  slug TEXT NOT NULL CONSTRAINT slug_is_line CHECK (length(CAST(slug AS BLOB)) <= 2048),
  name TEXT NOT NULL CONSTRAINT name_is_line CHECK (length(CAST(name AS BLOB)) <= 2048),
  name_bn TEXT DEFAULT '' NOT NULL CONSTRAINT name_bn_is_line CHECK (length(CAST(name_bn AS BLOB)) <= 2048),
  description TEXT DEFAULT '' NOT NULL CONSTRAINT description_is_text CHECK (length(CAST(description AS BLOB)) <= 8192),
  description_bn TEXT DEFAULT '' NOT NULL CONSTRAINT description_bn_is_text CHECK (length(CAST(description_bn AS BLOB)) <= 8192),
  price INTEGER NOT NULL CONSTRAINT price_bounds CHECK (price BETWEEN 0 AND 10000000000),
  currency TEXT DEFAULT 'BDT' NOT NULL CONSTRAINT currency_is_currency CHECK (currency GLOB '[A-Z][A-Z][A-Z]' AND length(CAST(currency AS BLOB)) = 3),
  stock INTEGER NOT NULL CONSTRAINT stock_not_negative CHECK (stock >= 0),
  tax_class TEXT DEFAULT 'standard' NOT NULL CONSTRAINT tax_class_is_word CHECK (length(CAST(tax_class AS BLOB)) <= 64),
  image TEXT DEFAULT '' NOT NULL CONSTRAINT image_is_line CHECK (length(CAST(image AS BLOB)) <= 2048),
  active INTEGER DEFAULT 1 NOT NULL CONSTRAINT active_is_flag CHECK (active = 0 OR active = 1),
  version INTEGER DEFAULT 1 NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  sold INTEGER DEFAULT 0 NOT NULL,
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT updated_at_is_moment CHECK (CASE length(updated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) IS updated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', updated_at) IS updated_at ELSE updated_at IS NULL END),
  PRIMARY KEY (id),
  CONSTRAINT stock_within_bounds CHECK (stock + sold BETWEEN -1000000000000 AND 1000000000000),
  CONSTRAINT stock_is_count CHECK (stock <= 2000000000000),
  UNIQUE (slug)
)
 STRICT

CREATE INDEX products_by_tax_class ON products (tax_class) WHERE active = 1

CREATE INDEX products_for_sale ON products (id) WHERE active = 1

CREATE TABLE promotions (
  code TEXT NOT NULL CONSTRAINT code_in_capitals CHECK (code = upper(code)) CONSTRAINT code_is_line CHECK (length(CAST(code AS BLOB)) <= 2048),
  kind TEXT NOT NULL CONSTRAINT kind_is_word CHECK (length(CAST(kind AS BLOB)) <= 64),
  value INTEGER NOT NULL CONSTRAINT value_fits_kind CHECK (CASE kind WHEN 'percent' THEN value BETWEEN 1 AND 10000 WHEN 'amount' THEN value > 0 ELSE value = 0 END) CONSTRAINT value_is_count CHECK (value BETWEEN 0 AND 1000000000000),
  currency TEXT DEFAULT 'BDT' NOT NULL CONSTRAINT currency_is_currency CHECK (currency GLOB '[A-Z][A-Z][A-Z]' AND length(CAST(currency AS BLOB)) = 3),
  min_subtotal INTEGER DEFAULT 0 NOT NULL CONSTRAINT min_subtotal_not_negative CHECK (min_subtotal >= 0),
  starts_at TEXT CONSTRAINT starts_at_is_moment CHECK (CASE length(starts_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', starts_at) IS starts_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', starts_at) IS starts_at ELSE starts_at IS NULL END),
  ends_at TEXT CONSTRAINT ends_at_is_moment CHECK (CASE length(ends_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', ends_at) IS ends_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', ends_at) IS ends_at ELSE ends_at IS NULL END),
  uses INTEGER DEFAULT 0 NOT NULL CONSTRAINT uses_is_count CHECK (uses BETWEEN 0 AND 1000000000000) CONSTRAINT uses_not_negative CHECK (uses >= 0),
  uses_max INTEGER CONSTRAINT uses_max_is_count CHECK (uses_max BETWEEN 0 AND 1000000000000),
  uses_per_customer_max INTEGER CONSTRAINT uses_per_customer_max_is_count CHECK (uses_per_customer_max BETWEEN 0 AND 1000000000000),
  active INTEGER DEFAULT 1 NOT NULL CONSTRAINT active_is_flag CHECK (active = 0 OR active = 1),
  version INTEGER DEFAULT 1 NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT updated_at_is_moment CHECK (CASE length(updated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) IS updated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', updated_at) IS updated_at ELSE updated_at IS NULL END),
  PRIMARY KEY (code),
  CONSTRAINT kind_known CHECK (kind = 'percent' OR kind = 'amount' OR kind = 'free_delivery'),
  CONSTRAINT uses_within_max CHECK (uses_max IS NULL OR uses <= uses_max),
  CONSTRAINT ends_after_start CHECK (ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at),
  CONSTRAINT amounts_within_bounds CHECK (min_subtotal <= 10000000000000)
)
 STRICT

CREATE TABLE published_events (
  id TEXT DEFAULT ('evt_' || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 45 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 40 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 35 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 30 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 25 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 20 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 15 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 10 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 5 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 0 & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', (random() & 31) + 1, 1)) NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  event TEXT NOT NULL CONSTRAINT event_is_line CHECK (length(CAST(event AS BLOB)) <= 2048) CONSTRAINT event_not_reserved CHECK (event NOT IN ('connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener', 'error')),
  rooms TEXT DEFAULT '[]' NOT NULL CONSTRAINT rooms_is_array CHECK (CASE WHEN json_valid(rooms) THEN json_type(rooms) = 'array' ELSE 0 END) CONSTRAINT rooms_is_short CHECK (length(CAST(rooms AS BLOB)) <= 2097152),
  args TEXT DEFAULT '[]' NOT NULL CONSTRAINT args_is_array CHECK (CASE WHEN json_valid(args) THEN json_type(args) = 'array' ELSE 0 END) CONSTRAINT args_is_short CHECK (length(CAST(args AS BLOB)) <= 2097152),
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  PRIMARY KEY (id)
)
 STRICT

CREATE INDEX published_events_by_age ON published_events (created_at)

CREATE TABLE refunds (
  entry INTEGER NOT NULL,
  order_id TEXT NOT NULL CONSTRAINT order_id_is_id CHECK (length(CAST(order_id AS BLOB)) BETWEEN 1 AND 1020),
  provider TEXT NOT NULL CONSTRAINT provider_is_word CHECK (length(CAST(provider AS BLOB)) <= 64),
  reference TEXT NOT NULL CONSTRAINT reference_is_line CHECK (length(CAST(reference AS BLOB)) <= 2048),
  state TEXT DEFAULT 'succeeded' NOT NULL CONSTRAINT state_is_word CHECK (length(CAST(state AS BLOB)) <= 64),
  amount INTEGER DEFAULT 0 NOT NULL CONSTRAINT amount_not_negative CHECK (amount >= 0),
  currency TEXT NOT NULL CONSTRAINT currency_is_currency CHECK (currency GLOB '[A-Z][A-Z][A-Z]' AND length(CAST(currency AS BLOB)) = 3),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  task_id TEXT CONSTRAINT task_id_is_line CHECK (length(CAST(task_id AS BLOB)) <= 2048),
  at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT at_is_moment CHECK (CASE length(at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', at) IS at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', at) IS at ELSE at IS NULL END),
  PRIMARY KEY (entry),
  CONSTRAINT state_known CHECK (state = 'pending' OR state = 'succeeded' OR state = 'failed'),
  CONSTRAINT amounts_within_bounds CHECK (amount <= 10000000000000)
)
 STRICT

CREATE INDEX refunds_by_order ON refunds (order_id)

CREATE UNIQUE INDEX refunds_by_reference ON refunds (provider, reference, state)

CREATE TABLE revocations (
  name TEXT NOT NULL CONSTRAINT name_is_line CHECK (length(CAST(name AS BLOB)) <= 2048),
  since TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT since_is_moment CHECK (CASE length(since) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', since) IS since WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', since) IS since ELSE since IS NULL END),
  until TEXT CONSTRAINT until_is_moment CHECK (CASE length(until) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', until) IS until WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', until) IS until ELSE until IS NULL END),
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  reason TEXT CONSTRAINT reason_is_line CHECK (length(CAST(reason AS BLOB)) <= 2048),
  PRIMARY KEY (name)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX revocations_by_end ON revocations (until)

CREATE TABLE sandbox_notices (
  id TEXT NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  body TEXT NOT NULL CONSTRAINT body_is_told CHECK (length(CAST(body AS BLOB)) <= 8388608),
  due_at TEXT NOT NULL CONSTRAINT due_at_is_moment CHECK (CASE length(due_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', due_at) IS due_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', due_at) IS due_at ELSE due_at IS NULL END),
  PRIMARY KEY (id)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX sandbox_notices_due ON sandbox_notices (due_at)

CREATE TABLE sandbox_payments (
  reference TEXT NOT NULL CONSTRAINT reference_is_line CHECK (length(CAST(reference AS BLOB)) <= 2048),
  "key" TEXT NOT NULL CONSTRAINT key_is_line CHECK (length(CAST(key AS BLOB)) <= 2048),
  card TEXT NOT NULL CONSTRAINT card_is_word CHECK (length(CAST(card AS BLOB)) <= 64),
  currency TEXT NOT NULL CONSTRAINT currency_is_currency CHECK (currency GLOB '[A-Z][A-Z][A-Z]' AND length(CAST(currency AS BLOB)) = 3),
  authorized INTEGER DEFAULT 0 NOT NULL CONSTRAINT authorized_not_negative CHECK (authorized >= 0),
  captured INTEGER DEFAULT 0 NOT NULL CONSTRAINT captured_not_negative CHECK (captured >= 0),
  refunded INTEGER DEFAULT 0 NOT NULL CONSTRAINT refunded_not_negative CHECK (refunded >= 0),
  held INTEGER DEFAULT 0 NOT NULL CONSTRAINT held_is_flag CHECK (held = 0 OR held = 1),
  disputed INTEGER DEFAULT 0 NOT NULL CONSTRAINT disputed_is_flag CHECK (disputed = 0 OR disputed = 1),
  asked TEXT DEFAULT '[]' NOT NULL CONSTRAINT asked_is_array CHECK (substr(ltrim(asked, char(9, 10, 13, 32)), 1, 1) = '[' AND length(CAST(asked AS BLOB)) <= 2097152) CONSTRAINT asked_is_json CHECK (asked IS NULL OR json_valid(asked)),
  created_at TEXT NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  PRIMARY KEY (reference),
  UNIQUE ("key"),
  CONSTRAINT amounts_within_bounds CHECK (authorized <= 10000000000000 AND captured <= 10000000000000 AND refunded <= 10000000000000)
)
 WITHOUT ROWID,
 STRICT

CREATE TABLE sessions (
  pid TEXT NOT NULL CONSTRAINT pid_is_line CHECK (length(CAST(pid AS BLOB)) <= 2048),
  sid TEXT NOT NULL CONSTRAINT sid_is_line CHECK (length(CAST(sid AS BLOB)) <= 2048),
  namespace TEXT NOT NULL CONSTRAINT namespace_is_text CHECK (length(CAST(namespace AS BLOB)) <= 8192),
  identity BLOB NOT NULL CONSTRAINT identity_is_identity CHECK (length(identity) <= 4096),
  rooms TEXT NOT NULL CONSTRAINT rooms_is_told CHECK (length(CAST(rooms AS BLOB)) <= 8388608),
  seen_at TEXT NOT NULL CONSTRAINT seen_at_is_moment CHECK (CASE length(seen_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', seen_at) IS seen_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', seen_at) IS seen_at ELSE seen_at IS NULL END),
  PRIMARY KEY (pid)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX sessions_by_age ON sessions (seen_at)

CREATE TABLE shop (
  id INTEGER NOT NULL CONSTRAINT one_shop CHECK (id = 1),
  currency TEXT DEFAULT 'BDT' NOT NULL CONSTRAINT currency_is_currency CHECK (currency GLOB '[A-Z][A-Z][A-Z]' AND length(CAST(currency AS BLOB)) = 3),
  tax_rates_bp TEXT DEFAULT '{"exempt":0,"reduced":500,"standard":1500}' NOT NULL CONSTRAINT tax_rates_bp_is_json CHECK (tax_rates_bp IS NULL OR json_valid(tax_rates_bp)) CONSTRAINT tax_rates_bp_is_object CHECK (substr(ltrim(tax_rates_bp, char(9, 10, 13, 32)), 1, 1) = '{' AND length(CAST(tax_rates_bp AS BLOB)) <= 2097152),
  prices_include_tax INTEGER DEFAULT 0 NOT NULL CONSTRAINT prices_include_tax_is_flag CHECK (prices_include_tax = 0 OR prices_include_tax = 1),
  rounding TEXT DEFAULT 'half_up' NOT NULL CONSTRAINT rounding_is_word CHECK (length(CAST(rounding AS BLOB)) <= 64),
  delivery_fee INTEGER DEFAULT 6000 NOT NULL CONSTRAINT delivery_fee_not_negative CHECK (delivery_fee >= 0),
  free_delivery_from INTEGER DEFAULT 150000 CONSTRAINT free_delivery_from_not_negative CHECK (free_delivery_from >= 0),
  delivery_zones TEXT DEFAULT '[]' NOT NULL CONSTRAINT delivery_zones_is_array CHECK (substr(ltrim(delivery_zones, char(9, 10, 13, 32)), 1, 1) = '[' AND length(CAST(delivery_zones AS BLOB)) <= 2097152) CONSTRAINT delivery_zones_is_json CHECK (delivery_zones IS NULL OR json_valid(delivery_zones)),
  version INTEGER DEFAULT 1 NOT NULL CONSTRAINT version_is_version CHECK (version BETWEEN 0 AND 9007199254740991),
  actor TEXT DEFAULT 'db:external' NOT NULL CONSTRAINT actor_is_line CHECK (length(CAST(actor AS BLOB)) <= 2048),
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT updated_at_is_moment CHECK (CASE length(updated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) IS updated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', updated_at) IS updated_at ELSE updated_at IS NULL END),
  PRIMARY KEY (id),
  CONSTRAINT rounding_known CHECK (rounding = 'half_up' OR rounding = 'half_even'),
  CONSTRAINT amounts_within_bounds CHECK (delivery_fee <= 10000000000000 AND free_delivery_from <= 10000000000000)
)
 STRICT

CREATE TABLE source_positions (
  name TEXT NOT NULL CONSTRAINT name_is_line CHECK (length(CAST(name AS BLOB)) <= 2048),
  revision INTEGER DEFAULT 0 NOT NULL CONSTRAINT revision_is_count CHECK (revision BETWEEN 0 AND 1000000000000),
  snapshot INTEGER DEFAULT 0 NOT NULL CONSTRAINT snapshot_is_count CHECK (snapshot BETWEEN 0 AND 1000000000000),
  phase TEXT DEFAULT 'new' NOT NULL CONSTRAINT phase_is_word CHECK (length(CAST(phase AS BLOB)) <= 64),
  after_key TEXT CONSTRAINT after_key_is_line CHECK (length(CAST(after_key AS BLOB)) <= 2048),
  token TEXT CONSTRAINT token_is_text CHECK (length(CAST(token AS BLOB)) <= 8192),
  starts_at TEXT CONSTRAINT starts_at_is_word CHECK (length(CAST(starts_at AS BLOB)) <= 64),
  lost INTEGER DEFAULT 0 NOT NULL CONSTRAINT lost_is_flag CHECK (lost = 0 OR lost = 1),
  resyncs INTEGER DEFAULT 0 NOT NULL CONSTRAINT resyncs_is_count CHECK (resyncs BETWEEN 0 AND 1000000000000),
  updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT updated_at_is_moment CHECK (CASE length(updated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) IS updated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', updated_at) IS updated_at ELSE updated_at IS NULL END),
  PRIMARY KEY (name)
)
 WITHOUT ROWID,
 STRICT

CREATE TABLE order_lines (
  order_number INTEGER NOT NULL,
  position INTEGER NOT NULL CONSTRAINT position_is_count CHECK (position BETWEEN 0 AND 1000000000000),
  product_id TEXT NOT NULL CONSTRAINT product_id_is_id CHECK (length(CAST(product_id AS BLOB)) BETWEEN 1 AND 1020),
  quantity INTEGER NOT NULL CONSTRAINT quantity_is_count CHECK (quantity BETWEEN 0 AND 1000000000000) CONSTRAINT quantity_positive CHECK (quantity > 0),
  unit_price INTEGER DEFAULT 0 NOT NULL CONSTRAINT unit_price_not_negative CHECK (unit_price >= 0),
  line_total INTEGER DEFAULT 0 NOT NULL CONSTRAINT line_total_not_negative CHECK (line_total >= 0),
  tax INTEGER DEFAULT 0 NOT NULL CONSTRAINT tax_not_negative CHECK (tax >= 0),
  reserved INTEGER DEFAULT 0 NOT NULL CONSTRAINT reserved_is_flag CHECK (reserved = 0 OR reserved = 1),
  PRIMARY KEY (order_number, position),
  FOREIGN KEY(order_number) REFERENCES orders (number),
  FOREIGN KEY(product_id) REFERENCES products (id),
  CONSTRAINT amounts_within_bounds CHECK (unit_price <= 10000000000000 AND line_total <= 10000000000000 AND tax <= 10000000000000)
)
 WITHOUT ROWID,
 STRICT

CREATE TABLE sign_ins (
  id TEXT NOT NULL CONSTRAINT id_is_id CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 1020),
  account_id TEXT NOT NULL CONSTRAINT account_id_is_id CHECK (length(CAST(account_id AS BLOB)) BETWEEN 1 AND 1020),
  family_hash BLOB NOT NULL CONSTRAINT family_hash_is_digest CHECK (length(family_hash) <= 64),
  token_hash BLOB NOT NULL CONSTRAINT token_hash_is_digest CHECK (length(token_hash) <= 64),
  former_hash BLOB CONSTRAINT former_hash_is_digest CHECK (length(former_hash) <= 64),
  rotated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT rotated_at_is_moment CHECK (CASE length(rotated_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', rotated_at) IS rotated_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', rotated_at) IS rotated_at ELSE rotated_at IS NULL END),
  created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL CONSTRAINT created_at_is_moment CHECK (CASE length(created_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) IS created_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', created_at) IS created_at ELSE created_at IS NULL END),
  expires_at TEXT NOT NULL CONSTRAINT expires_at_is_moment CHECK (CASE length(expires_at) WHEN 24 THEN strftime('%Y-%m-%dT%H:%M:%fZ', expires_at) IS expires_at WHEN 20 THEN strftime('%Y-%m-%dT%H:%M:%SZ', expires_at) IS expires_at ELSE expires_at IS NULL END),
  PRIMARY KEY (id),
  FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
  UNIQUE (family_hash)
)
 WITHOUT ROWID,
 STRICT

CREATE INDEX sign_ins_by_account ON sign_ins (account_id, rotated_at)

CREATE INDEX sign_ins_by_end ON sign_ins (expires_at)

CREATE TRIGGER orders_begin BEFORE INSERT ON orders WHEN NOT (NEW.status = 'pending' AND NEW.version = 1) OR EXISTS (SELECT 1 FROM orders WHERE id = NEW.id OR number = NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'order_former_name: write pending, not new') WHERE NEW.status = 'new';
  SELECT RAISE(ABORT, 'order_former_name: write processing, not accepted') WHERE NEW.status = 'accepted';
  SELECT RAISE(ABORT, 'order_former_name: write processing, not packing') WHERE NEW.status = 'packing';
  SELECT RAISE(ABORT, 'order_former_name: write ready_for_pickup or ready_for_delivery, not ready') WHERE NEW.status = 'ready';
  SELECT RAISE(ABORT, 'order_former_name: write in_transit, not out_for_delivery') WHERE NEW.status = 'out_for_delivery';
  SELECT RAISE(ABORT, 'order_former_name: write delivered, not completed') WHERE NEW.status = 'completed';
  SELECT RAISE(ABORT, 'order_once: an order is changed by UPDATE, never replaced') WHERE EXISTS (SELECT 1 FROM orders WHERE id = NEW.id OR number = NEW.number);
  SELECT RAISE(ABORT, 'order_first_state: a new order is pending and of version 1; to import others, put a row importing into meta first') WHERE NOT (NEW.status = 'pending' AND NEW.version = 1) AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'importing');
END

CREATE TRIGGER orders_renamed BEFORE UPDATE ON orders WHEN NEW.status IN ('accepted', 'completed', 'new', 'out_for_delivery', 'packing', 'ready')
BEGIN
  SELECT RAISE(ABORT, 'order_former_name: write pending, not new') WHERE NEW.status = 'new';
  SELECT RAISE(ABORT, 'order_former_name: write processing, not accepted') WHERE NEW.status = 'accepted';
  SELECT RAISE(ABORT, 'order_former_name: write processing, not packing') WHERE NEW.status = 'packing';
  SELECT RAISE(ABORT, 'order_former_name: write ready_for_pickup or ready_for_delivery, not ready') WHERE NEW.status = 'ready';
  SELECT RAISE(ABORT, 'order_former_name: write in_transit, not out_for_delivery') WHERE NEW.status = 'out_for_delivery';
  SELECT RAISE(ABORT, 'order_former_name: write delivered, not completed') WHERE NEW.status = 'completed';
END

CREATE TRIGGER orders_moved BEFORE UPDATE ON orders WHEN OLD.status <> NEW.status
BEGIN
  SELECT RAISE(ABORT, 'order_flow: an order that is pending goes to processing, rejected, expired, cancelled, on_hold and nowhere else') WHERE OLD.status = 'pending' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'expired', 'on_hold', 'processing', 'rejected');
  SELECT RAISE(ABORT, 'order_flow: an order that is processing goes to ready_for_pickup, ready_for_delivery, cancelled, on_hold and nowhere else') WHERE OLD.status = 'processing' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'on_hold', 'ready_for_delivery', 'ready_for_pickup');
  SELECT RAISE(ABORT, 'order_flow: an order that is ready_for_pickup goes to delivered, cancelled, on_hold and nowhere else') WHERE OLD.status = 'ready_for_pickup' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'delivered', 'on_hold');
  SELECT RAISE(ABORT, 'order_flow: an order that is ready_for_delivery goes to driver_assigned, cancelled, on_hold and nowhere else') WHERE OLD.status = 'ready_for_delivery' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'driver_assigned', 'on_hold');
  SELECT RAISE(ABORT, 'order_flow: an order that is driver_assigned goes to ready_for_delivery, picked_up, cancelled, on_hold and nowhere else') WHERE OLD.status = 'driver_assigned' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'on_hold', 'picked_up', 'ready_for_delivery');
  SELECT RAISE(ABORT, 'order_flow: an order that is picked_up goes to in_transit, on_hold and nowhere else') WHERE OLD.status = 'picked_up' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('in_transit', 'on_hold');
  SELECT RAISE(ABORT, 'order_flow: an order that is in_transit goes to delivered, delivery_failed, on_hold and nowhere else') WHERE OLD.status = 'in_transit' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('delivered', 'delivery_failed', 'on_hold');
  SELECT RAISE(ABORT, 'order_flow: an order that is delivered goes nowhere any more') WHERE OLD.status = 'delivered' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning');
  SELECT RAISE(ABORT, 'order_flow: an order that is delivery_failed goes to in_transit, returning, on_hold and nowhere else') WHERE OLD.status = 'delivery_failed' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('in_transit', 'on_hold', 'returning');
  SELECT RAISE(ABORT, 'order_flow: an order that is returning goes to returned, on_hold and nowhere else') WHERE OLD.status = 'returning' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('on_hold', 'returned');
  SELECT RAISE(ABORT, 'order_flow: an order that is returned goes nowhere any more') WHERE OLD.status = 'returned' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning');
  SELECT RAISE(ABORT, 'order_flow: an order that is on_hold goes to cancelled, pending, processing, ready_for_pickup, ready_for_delivery, driver_assigned, picked_up, in_transit, delivery_failed, returning and nowhere else') WHERE OLD.status = 'on_hold' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'delivery_failed', 'driver_assigned', 'in_transit', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'returning');
  SELECT RAISE(ABORT, 'order_flow: an order that is rejected goes nowhere any more') WHERE OLD.status = 'rejected' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning');
  SELECT RAISE(ABORT, 'order_flow: an order that is expired goes nowhere any more') WHERE OLD.status = 'expired' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning');
  SELECT RAISE(ABORT, 'order_flow: an order that is cancelled goes nowhere any more') WHERE OLD.status = 'cancelled' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning');
  SELECT RAISE(ABORT, 'order_payment_ready: before it is prepared an order is authorized, paid, or to be paid in cash') WHERE ((OLD.status = 'pending' AND NEW.status = 'processing')) AND NOT (NEW.payment_status IN ('authorized', 'paid') OR NEW.payment_info ->> 'method' IS NOT DISTINCT FROM 'cash');
  SELECT RAISE(ABORT, 'order_held_from: held_from names the status that the order is held from') WHERE NEW.status = 'on_hold' AND NEW.held_from IS DISTINCT FROM OLD.status;
  SELECT RAISE(ABORT, 'order_held_from: an order that is on_hold returns to where it was') WHERE ((OLD.status = 'on_hold' AND NEW.status = 'pending') OR (OLD.status = 'on_hold' AND NEW.status = 'processing') OR (OLD.status = 'on_hold' AND NEW.status = 'ready_for_pickup') OR (OLD.status = 'on_hold' AND NEW.status = 'ready_for_delivery') OR (OLD.status = 'on_hold' AND NEW.status = 'driver_assigned') OR (OLD.status = 'on_hold' AND NEW.status = 'picked_up') OR (OLD.status = 'on_hold' AND NEW.status = 'in_transit') OR (OLD.status = 'on_hold' AND NEW.status = 'delivery_failed') OR (OLD.status = 'on_hold' AND NEW.status = 'returning')) AND OLD.held_from IS DISTINCT FROM NEW.status;
  SELECT RAISE(ABORT, 'order_held_from: goods that have left the shop are returned, not cancelled') WHERE ((OLD.status = 'on_hold' AND NEW.status = 'cancelled')) AND NOT OLD.held_from IN ('driver_assigned', 'pending', 'processing', 'ready_for_delivery', 'ready_for_pickup');
  SELECT RAISE(ABORT, 'order_driver: an order that is given back waits for a driver and has none') WHERE ((OLD.status = 'driver_assigned' AND NEW.status = 'ready_for_delivery')) AND NEW.driver_id IS NOT NULL;
END

CREATE TRIGGER orders_held BEFORE UPDATE ON orders WHEN OLD.status = NEW.status AND OLD.held_from IS DISTINCT FROM NEW.held_from
BEGIN
  SELECT RAISE(ABORT, 'order_held_from: where an order is held from changes with its status alone');
END

CREATE TRIGGER orders_paid BEFORE UPDATE ON orders WHEN OLD.payment_status <> NEW.payment_status
BEGIN
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is unpaid becomes authorized, failed, paid, voided and nothing else') WHERE OLD.payment_status = 'unpaid' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('authorized', 'failed', 'paid', 'voided');
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is authorized becomes failed, paid, voided and nothing else') WHERE OLD.payment_status = 'authorized' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('failed', 'paid', 'voided');
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is paid becomes disputed, partially_refunded, refunded and nothing else') WHERE OLD.payment_status = 'paid' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('disputed', 'partially_refunded', 'refunded');
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is partially_refunded becomes disputed, paid, refunded and nothing else') WHERE OLD.payment_status = 'partially_refunded' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('disputed', 'paid', 'refunded');
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is refunded becomes failed, paid, partially_refunded and nothing else') WHERE OLD.payment_status = 'refunded' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('failed', 'paid', 'partially_refunded');
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is failed becomes authorized, disputed, paid, refunded, voided and nothing else') WHERE OLD.payment_status = 'failed' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('authorized', 'disputed', 'paid', 'refunded', 'voided');
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is voided changes no more') WHERE OLD.payment_status = 'voided' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided');
  SELECT RAISE(ABORT, 'order_payment_flow: a payment that is disputed becomes failed, paid, partially_refunded, refunded and nothing else') WHERE OLD.payment_status = 'disputed' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('failed', 'paid', 'partially_refunded', 'refunded');
END

CREATE TRIGGER orders_counted BEFORE UPDATE ON orders WHEN NEW.version NOT IN (OLD.version, OLD.version + 1) OR NEW.attempts < OLD.attempts
BEGIN
  SELECT RAISE(ABORT, 'order_attempts: attempts at delivery are only ever added to') WHERE NEW.attempts < OLD.attempts;
  SELECT RAISE(ABORT, 'order_version: a version rises by one with each change');
END

CREATE TRIGGER orders_placed AFTER INSERT ON orders
BEGIN
  SELECT RAISE(ABORT, 'order_promotion: there is no such promotion') WHERE NEW.promo_code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM promotions WHERE code = NEW.promo_code);
  UPDATE promotions SET uses = uses + 1
    WHERE code = NEW.promo_code AND NEW.status NOT IN ('cancelled', 'expired', 'rejected');
  INSERT INTO order_history (order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at)
    VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NEW.actor, NEW.reason,
      NEW.updated_at);
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES (CASE NEW.status WHEN 'pending' THEN 'order.placed' ELSE 'order.imported' END,
      NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, json_object('id', NEW.id, 'number', NEW.number, 'status', NEW.status, 'paymentStatus', NEW.payment_status, 'fulfilment', NEW.fulfilment, 'version', NEW.version, 'subtotal', NEW.subtotal, 'tax', NEW.tax, 'shippingFee', NEW.shipping_fee, 'discount', NEW.discount, 'total', NEW.total, 'currency', NEW.currency, 'amountPaid', NEW.captured, 'amountRefunded', NEW.refunded, 'amountRefunding', NEW.refunding, 'promoCode', NEW.promo_code, 'pricesIncludeTax', json(CASE NEW.prices_include_tax WHEN 0 THEN 'false' ELSE 'true' END), 'customerInfo', json_object('name', NEW.customer_name, 'email', NEW.customer_email, 'mobile', NEW.customer_mobile), 'billingInfo', CASE WHEN json_valid(NEW.billing_info) THEN json(NEW.billing_info) END, 'shippingInfo', CASE WHEN json_valid(NEW.shipping_info) THEN json(NEW.shipping_info) END, 'cartItems', CASE WHEN json_valid(NEW.cart_items) THEN json(NEW.cart_items) END, 'paymentInfo', CASE WHEN json_valid(NEW.payment_info) THEN json(NEW.payment_info) END, 'customerId', NEW.customer_id, 'driverId', NEW.driver_id, 'heldFrom', NEW.held_from, 'createdAt', NEW.created_at, 'updatedAt', NEW.updated_at));
END

CREATE TRIGGER orders_changed AFTER UPDATE ON orders WHEN OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number OR OLD.status IS DISTINCT FROM NEW.status OR OLD.payment_status IS DISTINCT FROM NEW.payment_status OR OLD.fulfilment IS DISTINCT FROM NEW.fulfilment OR OLD.subtotal IS DISTINCT FROM NEW.subtotal OR OLD.tax IS DISTINCT FROM NEW.tax OR OLD.shipping_fee IS DISTINCT FROM NEW.shipping_fee OR OLD.discount IS DISTINCT FROM NEW.discount OR OLD.total IS DISTINCT FROM NEW.total OR OLD.currency IS DISTINCT FROM NEW.currency OR OLD.captured IS DISTINCT FROM NEW.captured OR OLD.refunded IS DISTINCT FROM NEW.refunded OR OLD.refunding IS DISTINCT FROM NEW.refunding OR OLD.promo_code IS DISTINCT FROM NEW.promo_code OR OLD.prices_include_tax IS DISTINCT FROM NEW.prices_include_tax OR OLD.customer_name IS DISTINCT FROM NEW.customer_name OR OLD.customer_email IS DISTINCT FROM NEW.customer_email OR OLD.customer_mobile IS DISTINCT FROM NEW.customer_mobile OR OLD.billing_info IS DISTINCT FROM NEW.billing_info OR OLD.shipping_info IS DISTINCT FROM NEW.shipping_info OR OLD.cart_items IS DISTINCT FROM NEW.cart_items OR OLD.payment_info IS DISTINCT FROM NEW.payment_info OR OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.driver_id IS DISTINCT FROM NEW.driver_id OR OLD.held_from IS DISTINCT FROM NEW.held_from OR OLD.created_at IS DISTINCT FROM NEW.created_at
BEGIN
  UPDATE orders
    SET version = OLD.version + 1, actor = 'db:external', reason = NULL,
      updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), attempts = attempts + CASE WHEN OLD.status <> NEW.status AND NEW.status IN ('delivery_failed') AND NEW.attempts = OLD.attempts THEN 1 ELSE 0 END
    WHERE number = NEW.number AND NEW.version <= OLD.version;
  UPDATE products
    SET stock = stock + (SELECT sum(quantity) FROM order_lines WHERE order_number = NEW.number AND product_id = products.id), sold = sold - (SELECT sum(quantity) FROM order_lines WHERE order_number = NEW.number AND product_id = products.id)
    WHERE OLD.status <> NEW.status AND NEW.status IN ('cancelled', 'expired', 'rejected') AND id IN (SELECT product_id FROM order_lines WHERE order_number = NEW.number);
  UPDATE promotions SET uses = uses - 1
    WHERE code = NEW.promo_code AND uses > 0 AND OLD.status <> NEW.status AND NEW.status IN ('cancelled', 'expired', 'rejected');
  INSERT INTO deliveries (order_id, version, stage, driver_id, former_driver_id, attempts, eta_at, lat, lng, at)
    SELECT o.id, o.version, o.status, o.driver_id,
      CASE WHEN OLD.driver_id IS DISTINCT FROM o.driver_id THEN OLD.driver_id END,
      o.attempts, CASE WHEN OLD.eta_at IS DISTINCT FROM o.eta_at THEN o.eta_at END, d.lat, d.lng, o.updated_at
    FROM orders o
      LEFT JOIN driver_states d ON d.driver_id = o.driver_id AND o.status IN ('in_transit', 'picked_up')
    WHERE o.number = NEW.number AND o.fulfilment = 'delivery'
      AND (OLD.driver_id IS DISTINCT FROM o.driver_id OR (OLD.status <> o.status AND o.driver_id IS NOT NULL));
  INSERT INTO order_history (order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at)
    SELECT id, version, OLD.status, status, OLD.payment_status, payment_status, actor, reason, updated_at
    FROM orders WHERE number = NEW.number;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    SELECT
      CASE
        WHEN OLD.status <> status THEN 'order.status_changed'
        WHEN OLD.payment_status <> payment_status
          OR OLD.captured <> captured OR OLD.refunded <> refunded OR OLD.refunding <> refunding
          THEN 'order.payment_changed'
        ELSE 'order.changed'
      END,
      id, version, actor, reason, updated_at,
      json_object('id', OLD.id, 'number', OLD.number, 'status', OLD.status, 'paymentStatus', OLD.payment_status, 'fulfilment', OLD.fulfilment, 'version', OLD.version, 'subtotal', OLD.subtotal, 'tax', OLD.tax, 'shippingFee', OLD.shipping_fee, 'discount', OLD.discount, 'total', OLD.total, 'currency', OLD.currency, 'amountPaid', OLD.captured, 'amountRefunded', OLD.refunded, 'amountRefunding', OLD.refunding, 'promoCode', OLD.promo_code, 'pricesIncludeTax', json(CASE OLD.prices_include_tax WHEN 0 THEN 'false' ELSE 'true' END), 'customerInfo', json_object('name', OLD.customer_name, 'email', OLD.customer_email, 'mobile', OLD.customer_mobile), 'billingInfo', CASE WHEN json_valid(OLD.billing_info) THEN json(OLD.billing_info) END, 'shippingInfo', CASE WHEN json_valid(OLD.shipping_info) THEN json(OLD.shipping_info) END, 'cartItems', CASE WHEN json_valid(OLD.cart_items) THEN json(OLD.cart_items) END, 'paymentInfo', CASE WHEN json_valid(OLD.payment_info) THEN json(OLD.payment_info) END, 'customerId', OLD.customer_id, 'driverId', OLD.driver_id, 'heldFrom', OLD.held_from, 'createdAt', OLD.created_at, 'updatedAt', OLD.updated_at), json_object('id', orders.id, 'number', orders.number, 'status', orders.status, 'paymentStatus', orders.payment_status, 'fulfilment', orders.fulfilment, 'version', orders.version, 'subtotal', orders.subtotal, 'tax', orders.tax, 'shippingFee', orders.shipping_fee, 'discount', orders.discount, 'total', orders.total, 'currency', orders.currency, 'amountPaid', orders.captured, 'amountRefunded', orders.refunded, 'amountRefunding', orders.refunding, 'promoCode', orders.promo_code, 'pricesIncludeTax', json(CASE orders.prices_include_tax WHEN 0 THEN 'false' ELSE 'true' END), 'customerInfo', json_object('name', orders.customer_name, 'email', orders.customer_email, 'mobile', orders.customer_mobile), 'billingInfo', CASE WHEN json_valid(orders.billing_info) THEN json(orders.billing_info) END, 'shippingInfo', CASE WHEN json_valid(orders.shipping_info) THEN json(orders.shipping_info) END, 'cartItems', CASE WHEN json_valid(orders.cart_items) THEN json(orders.cart_items) END, 'paymentInfo', CASE WHEN json_valid(orders.payment_info) THEN json(orders.payment_info) END, 'customerId', orders.customer_id, 'driverId', orders.driver_id, 'heldFrom', orders.held_from, 'createdAt', orders.created_at, 'updatedAt', orders.updated_at)
    FROM orders WHERE number = NEW.number;
END

CREATE TRIGGER lines_take_stock AFTER INSERT ON order_lines WHEN NEW.reserved = 0
BEGIN
  SELECT RAISE(ABORT, 'order_lines: what was given back cannot be sold again by the same order') WHERE (SELECT status FROM orders WHERE number = NEW.order_number) IN ('cancelled', 'expired', 'rejected');
  UPDATE products SET stock = stock - NEW.quantity, sold = sold + NEW.quantity WHERE id = NEW.product_id;
  UPDATE order_lines SET reserved = 1 WHERE order_number = NEW.order_number AND position = NEW.position;
END

CREATE TRIGGER orders_keep_promotion BEFORE UPDATE ON orders WHEN OLD.promo_code IS DISTINCT FROM NEW.promo_code
BEGIN
  SELECT RAISE(ABORT, 'order_promotion: an order keeps its promotion');
END

CREATE TRIGGER lines_kept BEFORE DELETE ON order_lines
BEGIN
  SELECT RAISE(ABORT, 'order_lines: what was sold stays written');
END

CREATE TRIGGER lines_unchanged BEFORE UPDATE ON order_lines WHEN OLD.product_id IS DISTINCT FROM NEW.product_id OR OLD.quantity IS DISTINCT FROM NEW.quantity OR OLD.order_number IS DISTINCT FROM NEW.order_number OR OLD.reserved > NEW.reserved
BEGIN
  SELECT RAISE(ABORT, 'order_lines: what was sold stays written');
END

CREATE TRIGGER orders_kept BEFORE DELETE ON orders
BEGIN
  SELECT RAISE(ABORT, 'an order is cancelled, never deleted');
END

CREATE TRIGGER orders_named_once BEFORE UPDATE ON orders WHEN OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number
BEGIN
  SELECT RAISE(ABORT, 'an order keeps its id and number');
END

CREATE TRIGGER history_kept BEFORE DELETE ON order_history
BEGIN
  SELECT RAISE(ABORT, 'history is only ever added to');
END

CREATE TRIGGER history_unchanged BEFORE UPDATE ON order_history WHEN NOT (substr(OLD.actor, 1, 9) = 'customer:' AND NEW.actor = 'customer:erased' AND NEW.reason IS NULL AND NEW.entry IS NOT DISTINCT FROM OLD.entry AND NEW.order_id IS NOT DISTINCT FROM OLD.order_id AND NEW.version IS NOT DISTINCT FROM OLD.version AND NEW.from_status IS NOT DISTINCT FROM OLD.from_status AND NEW.to_status IS NOT DISTINCT FROM OLD.to_status AND NEW.from_payment_status IS NOT DISTINCT FROM OLD.from_payment_status AND NEW.to_payment_status IS NOT DISTINCT FROM OLD.to_payment_status AND NEW.at IS NOT DISTINCT FROM OLD.at)
BEGIN
  SELECT RAISE(ABORT, 'history is only ever added to');
END

CREATE TRIGGER products_added AFTER INSERT ON products
BEGIN
  INSERT INTO product_history (product_id, version, before, after, actor, reason, at)
    VALUES (NEW.id, NEW.version, NULL, json_object('id', NEW.id, 'slug', NEW.slug, 'name', NEW.name, 'nameBn', NEW.name_bn, 'description', NEW.description, 'descriptionBn', NEW.description_bn, 'price', NEW.price, 'currency', NEW.currency, 'stock', NEW.stock, 'taxClass', NEW.tax_class, 'image', NEW.image, 'active', json(CASE NEW.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', NEW.version), NEW.actor, NEW.reason, NEW.updated_at);
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    SELECT 'product.added', NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, json_object('id', NEW.id, 'slug', NEW.slug, 'name', NEW.name, 'nameBn', NEW.name_bn, 'description', NEW.description, 'descriptionBn', NEW.description_bn, 'price', NEW.price, 'currency', NEW.currency, 'stock', NEW.stock, 'taxClass', NEW.tax_class, 'image', NEW.image, 'active', json(CASE NEW.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', NEW.version)
    WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'importing');
END

CREATE TRIGGER products_edited AFTER UPDATE ON products WHEN OLD.stock + OLD.sold <> NEW.stock + NEW.sold OR OLD.id IS DISTINCT FROM NEW.id OR OLD.slug IS DISTINCT FROM NEW.slug OR OLD.name IS DISTINCT FROM NEW.name OR OLD.name_bn IS DISTINCT FROM NEW.name_bn OR OLD.description IS DISTINCT FROM NEW.description OR OLD.description_bn IS DISTINCT FROM NEW.description_bn OR OLD.price IS DISTINCT FROM NEW.price OR OLD.currency IS DISTINCT FROM NEW.currency OR OLD.tax_class IS DISTINCT FROM NEW.tax_class OR OLD.image IS DISTINCT FROM NEW.image OR OLD.active IS DISTINCT FROM NEW.active
BEGIN
  UPDATE products
    SET version = OLD.version + 1, actor = 'db:external', reason = NULL, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE id = NEW.id AND NEW.version <= OLD.version;
  INSERT INTO product_history (product_id, version, before, after, actor, reason, at)
    SELECT id, version, json_object('id', OLD.id, 'slug', OLD.slug, 'name', OLD.name, 'nameBn', OLD.name_bn, 'description', OLD.description, 'descriptionBn', OLD.description_bn, 'price', OLD.price, 'currency', OLD.currency, 'stock', OLD.stock, 'taxClass', OLD.tax_class, 'image', OLD.image, 'active', json(CASE OLD.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', OLD.version), json_object('id', products.id, 'slug', products.slug, 'name', products.name, 'nameBn', products.name_bn, 'description', products.description, 'descriptionBn', products.description_bn, 'price', products.price, 'currency', products.currency, 'stock', products.stock, 'taxClass', products.tax_class, 'image', products.image, 'active', json(CASE products.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', products.version), actor, reason, updated_at
    FROM products WHERE id = NEW.id;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    SELECT 'product.changed', id, version, actor, reason, updated_at,
      json_object('id', OLD.id, 'slug', OLD.slug, 'name', OLD.name, 'nameBn', OLD.name_bn, 'description', OLD.description, 'descriptionBn', OLD.description_bn, 'price', OLD.price, 'currency', OLD.currency, 'stock', OLD.stock, 'taxClass', OLD.tax_class, 'image', OLD.image, 'active', json(CASE OLD.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', OLD.version), json_object('id', products.id, 'slug', products.slug, 'name', products.name, 'nameBn', products.name_bn, 'description', products.description, 'descriptionBn', products.description_bn, 'price', products.price, 'currency', products.currency, 'stock', products.stock, 'taxClass', products.tax_class, 'image', products.image, 'active', json(CASE products.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', products.version)
    FROM products WHERE id = NEW.id;
END

CREATE TRIGGER products_sold_out AFTER UPDATE OF stock ON products WHEN (OLD.stock = 0) <> (NEW.stock = 0) AND NOT (OLD.stock + OLD.sold <> NEW.stock + NEW.sold OR OLD.id IS DISTINCT FROM NEW.id OR OLD.slug IS DISTINCT FROM NEW.slug OR OLD.name IS DISTINCT FROM NEW.name OR OLD.name_bn IS DISTINCT FROM NEW.name_bn OR OLD.description IS DISTINCT FROM NEW.description OR OLD.description_bn IS DISTINCT FROM NEW.description_bn OR OLD.price IS DISTINCT FROM NEW.price OR OLD.currency IS DISTINCT FROM NEW.currency OR OLD.tax_class IS DISTINCT FROM NEW.tax_class OR OLD.image IS DISTINCT FROM NEW.image OR OLD.active IS DISTINCT FROM NEW.active)
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('product.changed', NEW.id, NEW.version, 'service:stock', NULL, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
      json_object('id', OLD.id, 'slug', OLD.slug, 'name', OLD.name, 'nameBn', OLD.name_bn, 'description', OLD.description, 'descriptionBn', OLD.description_bn, 'price', OLD.price, 'currency', OLD.currency, 'stock', OLD.stock, 'taxClass', OLD.tax_class, 'image', OLD.image, 'active', json(CASE OLD.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', OLD.version), json_object('id', NEW.id, 'slug', NEW.slug, 'name', NEW.name, 'nameBn', NEW.name_bn, 'description', NEW.description, 'descriptionBn', NEW.description_bn, 'price', NEW.price, 'currency', NEW.currency, 'stock', NEW.stock, 'taxClass', NEW.tax_class, 'image', NEW.image, 'active', json(CASE NEW.active WHEN 0 THEN 'false' ELSE 'true' END), 'version', NEW.version));
END

CREATE TRIGGER products_kept BEFORE DELETE ON products WHEN EXISTS (SELECT 1 FROM order_lines WHERE product_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'product_sold: what was sold is made inactive, never deleted');
END

CREATE TRIGGER products_named_once BEFORE UPDATE ON products WHEN OLD.id IS DISTINCT FROM NEW.id
BEGIN
  SELECT RAISE(ABORT, 'product_sold: a product keeps its id');
END

CREATE TRIGGER product_history_kept BEFORE DELETE ON product_history
BEGIN
  SELECT RAISE(ABORT, 'history is only ever added to');
END

CREATE TRIGGER product_history_unchanged BEFORE UPDATE ON product_history
BEGIN
  SELECT RAISE(ABORT, 'history is only ever added to');
END

CREATE TRIGGER deliveries_told AFTER INSERT ON deliveries
BEGIN
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT NEW.driver_id, 'assigned', o.id, json_object('number', o.number),
      'info', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.stage = 'driver_assigned' AND NEW.driver_id IS NOT NULL AND o.actor <> 'driver:' || NEW.driver_id;
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT NEW.former_driver_id, 'unassigned', o.id, json_object('number', o.number),
      'warning', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.former_driver_id IS NOT NULL AND o.actor <> 'driver:' || NEW.former_driver_id;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    SELECT 'delivery.moved', o.id, NEW.version, o.actor, o.reason, NEW.at, NULL,
      json_object('orderId', o.id, 'number', o.number, 'customerId', o.customer_id, 'stage', NEW.stage, 'driver', CASE WHEN NEW.driver_id IS NOT NULL THEN json_object('id', NEW.driver_id, 'name', (SELECT name FROM accounts WHERE id = NEW.driver_id)) END, 'formerDriverId', NEW.former_driver_id, 'attempts', NEW.attempts, 'eta', NEW.eta_at, 'position', CASE WHEN NEW.lat IS NOT NULL THEN json_object('lat', NEW.lat, 'lng', NEW.lng, 'at', (SELECT located_at FROM driver_states WHERE driver_id = NEW.driver_id)) END)
    FROM orders o WHERE o.id = NEW.order_id;
END

CREATE TRIGGER deliveries_kept BEFORE DELETE ON deliveries
BEGIN
  SELECT RAISE(ABORT, 'deliveries: only ever added to');
END

CREATE TRIGGER deliveries_unchanged BEFORE UPDATE ON deliveries WHEN NOT (NEW.lat IS NULL AND NEW.lng IS NULL AND NEW.entry IS NOT DISTINCT FROM OLD.entry AND NEW.order_id IS NOT DISTINCT FROM OLD.order_id AND NEW.version IS NOT DISTINCT FROM OLD.version AND NEW.stage IS NOT DISTINCT FROM OLD.stage AND NEW.driver_id IS NOT DISTINCT FROM OLD.driver_id AND NEW.former_driver_id IS NOT DISTINCT FROM OLD.former_driver_id AND NEW.attempts IS NOT DISTINCT FROM OLD.attempts AND NEW.eta_at IS NOT DISTINCT FROM OLD.eta_at AND NEW.at IS NOT DISTINCT FROM OLD.at)
BEGIN
  SELECT RAISE(ABORT, 'deliveries: only ever added to');
END

CREATE TRIGGER notifications_of_changes AFTER INSERT ON order_history WHEN NEW.from_status IS NOT NULL
BEGIN
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT o.customer_id, 'order_status', o.id, json_object('number', o.number, 'status', NEW.to_status, 'fulfilment', o.fulfilment),
      CASE WHEN NEW.to_status IN ('cancelled', 'delivery_failed', 'expired', 'rejected') THEN 'warning' ELSE 'info' END, NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND o.customer_id IS NOT NULL AND NEW.actor <> 'customer:' || o.customer_id AND (o.tracking_hash IS NULL OR EXISTS (SELECT 1 FROM customers WHERE id = o.customer_id));
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT 'store', 'order_cancelled', o.id, json_object('number', o.number),
      'warning', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND NEW.to_status = 'cancelled' AND NEW.actor = 'customer:' || o.customer_id;
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT 'store', 'delivery_trouble', o.id, json_object('number', o.number, 'attempts', o.attempts),
      'warning', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND NEW.to_status = 'delivery_failed';
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT 'store', 'payment_trouble', o.id, json_object('number', o.number, 'paymentStatus', NEW.to_payment_status),
      'error', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_payment_status <> NEW.to_payment_status AND NEW.to_payment_status IN ('disputed', 'failed');
END

CREATE TRIGGER notifications_told AFTER INSERT ON notifications
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('notification.made', NEW.id, 1, 'service:shop', NULL, NEW.created_at, NULL,
      json_object('recipient', NEW.recipient, 'kind', NEW.kind, 'orderId', NEW.order_id, 'data', CASE WHEN json_valid(NEW.data) THEN json(NEW.data) END, 'severity', NEW.severity));
END

CREATE TRIGGER notifications_forgotten AFTER DELETE ON notifications
BEGIN
  DELETE FROM notification_reads WHERE notification_id = OLD.id;
END

CREATE TRIGGER events_published AFTER INSERT ON published_events
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('event.published', NEW.id, 1, NEW.actor, NULL, NEW.created_at, NULL,
      json_object('event', NEW.event, 'rooms', CASE WHEN json_valid(NEW.rooms) THEN json(NEW.rooms) END, 'args', CASE WHEN json_valid(NEW.args) THEN json(NEW.args) END));
END

CREATE TRIGGER access_revoked AFTER INSERT ON revocations
BEGIN
  DELETE FROM sign_ins WHERE account_id = NEW.name AND created_at <= NEW.since;
  DELETE FROM sign_ins WHERE id = NEW.name;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('access.revoked', NEW.name, 1, NEW.actor, NEW.reason, NEW.since, NULL,
      json_object('name', NEW.name, 'since', NEW.since, 'until', NEW.until));
END

CREATE TRIGGER access_revoked_again AFTER UPDATE ON revocations
BEGIN
  DELETE FROM sign_ins WHERE account_id = NEW.name AND created_at <= NEW.since;
  DELETE FROM sign_ins WHERE id = NEW.name;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('access.revoked', NEW.name, 1, NEW.actor, NEW.reason, NEW.since, NULL,
      json_object('name', NEW.name, 'since', NEW.since, 'until', NEW.until));
END

CREATE TRIGGER accounts_changed AFTER UPDATE ON accounts WHEN NEW.active < OLD.active OR NEW.role <> OLD.role OR NEW.password_hash <> OLD.password_hash OR NEW.id <> OLD.id
BEGIN
  DELETE FROM sign_ins WHERE account_id = OLD.id;
  INSERT INTO revocations (name, since, actor, reason)
    VALUES (OLD.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'db:accounts', 'The account was changed.')
    ON CONFLICT (name) DO UPDATE
      SET since = excluded.since, until = NULL, actor = excluded.actor, reason = excluded.reason;
END

CREATE TRIGGER accounts_removed AFTER DELETE ON accounts
BEGIN
  DELETE FROM sign_ins WHERE account_id = OLD.id;
  INSERT INTO revocations (name, since, actor, reason)
    VALUES (OLD.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'db:accounts', 'The account was removed.')
    ON CONFLICT (name) DO UPDATE
      SET since = excluded.since, until = NULL, actor = excluded.actor, reason = excluded.reason;
END

CREATE TRIGGER customers_erased AFTER INSERT ON erasures
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('customer.erased', NEW.customer_id, 1, NEW.actor, NULL, NEW.at, NULL, json_object('id', NEW.id));
END

CREATE TRIGGER mismatches_raised AFTER INSERT ON payment_mismatches
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('payment.mismatch', NEW.id, 1, NEW.actor, NULL, NEW.created_at, NULL,
      json_object('id', NEW.id, 'orderId', NEW.order_id, 'provider', NEW.provider, 'reference', NEW.reference, 'kind', NEW.kind, 'ours', CASE WHEN json_valid(NEW.ours) THEN json(NEW.ours) END, 'theirs', CASE WHEN json_valid(NEW.theirs) THEN json(NEW.theirs) END, 'text', NEW.sentence, 'createdAt', NEW.created_at, 'resolvedAt', NEW.resolved_at, 'resolvedBy', NEW.resolved_by, 'note', NEW.note));
END

CREATE TRIGGER mismatches_resolved AFTER UPDATE ON payment_mismatches WHEN OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('payment.mismatch', NEW.id, 2, NEW.actor, NULL, NEW.resolved_at, NULL,
      json_object('id', NEW.id, 'orderId', NEW.order_id, 'provider', NEW.provider, 'reference', NEW.reference, 'kind', NEW.kind, 'ours', CASE WHEN json_valid(NEW.ours) THEN json(NEW.ours) END, 'theirs', CASE WHEN json_valid(NEW.theirs) THEN json(NEW.theirs) END, 'text', NEW.sentence, 'createdAt', NEW.created_at, 'resolvedAt', NEW.resolved_at, 'resolvedBy', NEW.resolved_by, 'note', NEW.note));
END

CREATE TRIGGER payments_kept BEFORE DELETE ON payments
BEGIN
  SELECT RAISE(ABORT, 'the ledger of payments is only ever added to');
END

CREATE TRIGGER payments_unchanged BEFORE UPDATE ON payments
BEGIN
  SELECT RAISE(ABORT, 'the ledger of payments is only ever added to');
END

CREATE TRIGGER refunds_kept BEFORE DELETE ON refunds
BEGIN
  SELECT RAISE(ABORT, 'the ledger of payments is only ever added to');
END

CREATE TRIGGER refunds_unchanged BEFORE UPDATE ON refunds
BEGIN
  SELECT RAISE(ABORT, 'the ledger of payments is only ever added to');
END

CREATE TRIGGER mirrored_told AFTER UPDATE ON mirrored_orders WHEN NEW.document IS NOT NULL AND OLD.document IS DISTINCT FROM NEW.document
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES (
      CASE
        WHEN OLD.document IS NULL AND NEW.imported = 1 THEN 'order.imported'
        WHEN OLD.document IS NULL THEN 'order.placed'
        WHEN (OLD.document ->> 'status') IS DISTINCT FROM (NEW.document ->> 'status') THEN 'order.status_changed'
        WHEN (OLD.document ->> 'paymentStatus') IS DISTINCT FROM (NEW.document ->> 'paymentStatus') OR (OLD.document ->> 'amountPaid') IS DISTINCT FROM (NEW.document ->> 'amountPaid') OR (OLD.document ->> 'amountRefunded') IS DISTINCT FROM (NEW.document ->> 'amountRefunded') THEN 'order.payment_changed'
        ELSE 'order.changed'
      END,
      NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at,
      OLD.document, NEW.document);
END

CREATE TRIGGER sources_resynced AFTER UPDATE ON source_positions WHEN NEW.resyncs > OLD.resyncs
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('feed.resync', NEW.name, NEW.resyncs, NEW.name, NULL, NEW.updated_at, NULL, json_object('reason', 'source_history_lost'));
END

INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', 1000)

INSERT INTO shop (id) VALUES (1)

INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(8))))
