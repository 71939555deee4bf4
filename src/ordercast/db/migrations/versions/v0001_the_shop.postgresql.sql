SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)

CREATE FUNCTION ordercast_now() RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE
  RETURN to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')

CREATE FUNCTION ordercast_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN 'db:' || session_user || '@' || coalesce(nullif(current_setting('application_name', true), ''), 'unknown')

CREATE FUNCTION ordercast_new_id(prefix text) RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
  chance bytea := uuid_send(gen_random_uuid());
  id text := prefix || '_';
BEGIN
  FOR place IN 0..9 LOOP
    id := id || substr('0123456789abcdefghjkmnpqrstvwxyz', (now_ms >> (45 - 5 * place) & 31)::int + 1, 1);
  END LOOP;
  FOR place IN 0..15 LOOP
    id := id || substr('0123456789abcdefghjkmnpqrstvwxyz', (get_byte(chance, place) & 31) + 1, 1);
  END LOOP;
  RETURN id;
END
$$

CREATE FUNCTION ordercast_is_readable(document text) RETURNS boolean
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  value jsonb;
BEGIN
  value := replace(replace(document, '\\', '--'), '\u0000', '');
  RETURN NOT jsonb_path_exists(value, '$.**{100}')
    AND NOT jsonb_path_exists(value, '$.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))');
EXCEPTION WHEN OTHERS THEN
  RETURN document IS NULL;
END
$$

CREATE DOMAIN ordercast_id AS TEXT COLLATE "C"
  CONSTRAINT is_id CHECK (octet_length(VALUE) BETWEEN 1 AND 1020)

CREATE DOMAIN ordercast_word AS TEXT COLLATE "C"
  CONSTRAINT is_word CHECK (octet_length(VALUE) <= 64)

CREATE DOMAIN ordercast_line AS TEXT COLLATE "C"
  CONSTRAINT is_line CHECK (octet_length(VALUE) <= 2048)

CREATE DOMAIN ordercast_text AS TEXT COLLATE "C"
  CONSTRAINT is_text CHECK (octet_length(VALUE) <= 8192)

CREATE DOMAIN ordercast_told AS TEXT COLLATE "C"
  CONSTRAINT is_told CHECK (octet_length(VALUE) <= 8388608)

CREATE DOMAIN ordercast_foreign AS TEXT COLLATE "C"
  CONSTRAINT is_foreign CHECK (octet_length(VALUE) <= 50331648)

CREATE DOMAIN ordercast_moment AS TEXT COLLATE "C"
  CONSTRAINT is_moment CHECK (translate(VALUE, '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00Z') AND substr(VALUE, 12, 2) < '24' AND substr(VALUE, 18, 2) < '60' AND isfinite(CAST(VALUE AS timestamptz)))

CREATE DOMAIN ordercast_currency AS TEXT COLLATE "C"
  CONSTRAINT is_currency CHECK (VALUE ~ '^[A-Z]{3}$')

CREATE DOMAIN ordercast_count AS BIGINT
  CONSTRAINT is_count CHECK (VALUE BETWEEN 0 AND 1000000000000)

CREATE DOMAIN ordercast_version AS BIGINT
  CONSTRAINT is_version CHECK (VALUE BETWEEN 0 AND 9007199254740991)

CREATE DOMAIN ordercast_digest AS BYTEA
  CONSTRAINT is_digest CHECK (octet_length(VALUE) <= 64)

CREATE DOMAIN ordercast_identity AS BYTEA
  CONSTRAINT is_identity CHECK (octet_length(VALUE) <= 4096)

CREATE DOMAIN ordercast_object AS JSONB
  CONSTRAINT is_object CHECK (jsonb_typeof(VALUE) = 'object' AND pg_column_size(VALUE) <= 2097152)

CREATE DOMAIN ordercast_array AS JSONB
  CONSTRAINT is_array CHECK (jsonb_typeof(VALUE) = 'array' AND pg_column_size(VALUE) <= 2097152)

CREATE TABLE accounts (
  id ordercast_id NOT NULL,
  email ordercast_line NOT NULL,
  name ordercast_line NOT NULL,
  password_hash ordercast_line NOT NULL,
  role ordercast_word NOT NULL,
  active BIGINT DEFAULT 1 NOT NULL CONSTRAINT active_is_flag CHECK (active = 0 OR active = 1),
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT role_known CHECK (role = 'admin' OR role = 'store' OR role = 'customer' OR role = 'driver'),
  UNIQUE (email)
)

CREATE INDEX accounts_of_admins ON accounts (id) WHERE role = 'admin' AND active = 1

CREATE INDEX accounts_of_drivers ON accounts (id) WHERE role = 'driver'

CREATE TABLE customers (
  id ordercast_id NOT NULL,
  email ordercast_line NOT NULL,
  name ordercast_line NOT NULL,
  mobile ordercast_line DEFAULT '' NOT NULL,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT customer_email_once UNIQUE (email)
)

CREATE TABLE deliveries (
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  order_id ordercast_id NOT NULL,
  version ordercast_version NOT NULL,
  stage ordercast_word NOT NULL,
  driver_id ordercast_id,
  former_driver_id ordercast_id,
  attempts ordercast_count NOT NULL,
  eta_at ordercast_moment,
  lat DOUBLE PRECISION CONSTRAINT lat_bounds CHECK (lat BETWEEN -90 AND 90),
  lng DOUBLE PRECISION CONSTRAINT lng_bounds CHECK (lng BETWEEN -180 AND 180),
  at ordercast_moment NOT NULL,
  PRIMARY KEY (entry)
)

CREATE INDEX deliveries_by_order ON deliveries (order_id, entry)

CREATE TABLE delivery_proofs (
  order_id ordercast_id NOT NULL,
  kind ordercast_word NOT NULL,
  value ordercast_text NOT NULL,
  actor ordercast_line NOT NULL,
  at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (order_id),
  CONSTRAINT kind_known CHECK (kind = 'code' OR kind = 'photo' OR kind = 'signature' OR kind = 'note')
)

CREATE TABLE driver_states (
  driver_id ordercast_id NOT NULL,
  on_duty BIGINT DEFAULT 0 NOT NULL CONSTRAINT on_duty_is_flag CHECK (on_duty = 0 OR on_duty = 1),
  lat DOUBLE PRECISION CONSTRAINT lat_bounds CHECK (lat BETWEEN -90 AND 90),
  lng DOUBLE PRECISION CONSTRAINT lng_bounds CHECK (lng BETWEEN -180 AND 180),
  accuracy_m DOUBLE PRECISION CONSTRAINT accuracy_bounds CHECK (accuracy_m BETWEEN 0 AND 20100000),
  located_at ordercast_moment,
  assigned_at ordercast_moment,
  updated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (driver_id)
)

CREATE INDEX drivers_on_duty ON driver_states (driver_id) WHERE on_duty = 1

CREATE TABLE erasures (
  id ordercast_id NOT NULL,
  customer_id ordercast_id NOT NULL,
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (id)
)

CREATE INDEX erasures_by_customer ON erasures (customer_id)

CREATE TABLE feed (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  seq BIGINT,
  kind TEXT COLLATE "C" NOT NULL,
  entity_id TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C",
  at TEXT COLLATE "C" NOT NULL,
  before TEXT COLLATE "C",
  after TEXT COLLATE "C",
  PRIMARY KEY (id),
  UNIQUE (seq)
)

CREATE INDEX feed_unsequenced ON feed (id) WHERE seq IS NULL

CREATE TABLE idempotency (
  scope ordercast_line NOT NULL,
  key ordercast_line NOT NULL,
  fingerprint ordercast_digest NOT NULL,
  answer ordercast_told NOT NULL,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (scope, key)
)

CREATE INDEX idempotency_by_age ON idempotency (created_at)

CREATE TABLE meta (
  name ordercast_line NOT NULL,
  value ordercast_text NOT NULL,
  PRIMARY KEY (name),
  CONSTRAINT epoch_is_hex CHECK (name <> 'epoch' OR value ~ '^[0-9a-f]{16}$'),
  CONSTRAINT feed_newest_is_number CHECK (name <> 'feed_newest' OR value ~ '^[0-9]{1,16}$')
)

CREATE TABLE mirrored_orders (
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  source ordercast_line NOT NULL,
  foreign_key ordercast_line NOT NULL,
  id ordercast_id,
  version ordercast_version DEFAULT 0 NOT NULL,
  document ordercast_object,
  status ordercast_word,
  customer_id ordercast_id,
  driver_id ordercast_id,
  raw ordercast_foreign NOT NULL,
  as_of ordercast_word NOT NULL,
  snapshot ordercast_count NOT NULL,
  gone BIGINT DEFAULT 0 NOT NULL CONSTRAINT gone_is_flag CHECK (gone = 0 OR gone = 1),
  imported BIGINT DEFAULT 0 NOT NULL CONSTRAINT imported_is_flag CHECK (imported = 0 OR imported = 1),
  actor ordercast_line NOT NULL,
  reason ordercast_line,
  updated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (entry),
  UNIQUE (id)
)

CREATE INDEX mirrored_by_customer ON mirrored_orders (customer_id, entry)

CREATE INDEX mirrored_by_customer_status ON mirrored_orders (customer_id, status, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_by_driver ON mirrored_orders (driver_id, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_by_driver_status ON mirrored_orders (driver_id, status, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_by_entry ON mirrored_orders (entry) WHERE document IS NOT NULL

CREATE UNIQUE INDEX mirrored_by_key ON mirrored_orders (source, foreign_key)

CREATE INDEX mirrored_by_status ON mirrored_orders (status, entry) WHERE document IS NOT NULL

CREATE INDEX mirrored_there ON mirrored_orders (source, snapshot, entry) WHERE gone = 0

CREATE TABLE notification_marks (
  user_id ordercast_id NOT NULL,
  recipient ordercast_id NOT NULL,
  through ordercast_count NOT NULL,
  read_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  unseen ordercast_text DEFAULT '' NOT NULL,
  PRIMARY KEY (user_id, recipient, through)
)

CREATE TABLE notification_reads (
  notification_id ordercast_id NOT NULL,
  user_id ordercast_id NOT NULL,
  recipient ordercast_id NOT NULL,
  entry ordercast_count NOT NULL,
  read_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (notification_id, user_id)
)

CREATE INDEX notification_reads_by_user ON notification_reads (user_id, recipient, entry)

CREATE TABLE notifications (
  written_in BIGINT DEFAULT (CAST(CAST(pg_current_xact_id() AS text) AS bigint)),
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  id ordercast_id DEFAULT (ordercast_new_id('ntf')) NOT NULL,
  recipient ordercast_id NOT NULL,
  kind ordercast_word NOT NULL,
  order_id ordercast_id,
  data ordercast_object DEFAULT '{}' NOT NULL,
  severity ordercast_word DEFAULT 'info' NOT NULL,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (entry),
  CONSTRAINT kind_known CHECK (kind = 'order_status' OR kind = 'new_orders' OR kind = 'order_cancelled' OR kind = 'payment_trouble' OR kind = 'delivery_trouble' OR kind = 'assigned' OR kind = 'unassigned'),
  CONSTRAINT severity_known CHECK (severity = 'info' OR severity = 'warning' OR severity = 'error'),
  UNIQUE (id)
)

CREATE INDEX notifications_by_age ON notifications (created_at, entry)

CREATE INDEX notifications_by_recipient ON notifications (recipient, entry)

CREATE INDEX notifications_by_transaction ON notifications (written_in, entry) WHERE written_in IS NOT NULL

CREATE TABLE order_history (
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  order_id TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  from_status TEXT COLLATE "C",
  to_status TEXT COLLATE "C" NOT NULL,
  from_payment_status TEXT COLLATE "C",
  to_payment_status TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C",
  at TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (entry)
)

CREATE INDEX history_by_order ON order_history (order_id, entry)

CREATE INDEX history_of_finishing ON order_history (at) WHERE to_status IN ('delivered', 'ready_for_delivery', 'ready_for_pickup')

CREATE TABLE orders (
  number BIGINT GENERATED BY DEFAULT AS IDENTITY CONSTRAINT number_positive CHECK (number > 0),
  id ordercast_id DEFAULT (ordercast_new_id('ord')) NOT NULL,
  status ordercast_word DEFAULT 'pending' NOT NULL,
  payment_status ordercast_word DEFAULT 'unpaid' NOT NULL,
  fulfilment ordercast_word DEFAULT 'delivery' NOT NULL,
  version ordercast_version DEFAULT 1 NOT NULL,
  subtotal BIGINT DEFAULT 0 NOT NULL CONSTRAINT subtotal_not_negative CHECK (subtotal >= 0),
  tax BIGINT DEFAULT 0 NOT NULL CONSTRAINT tax_not_negative CHECK (tax >= 0),
  shipping_fee BIGINT DEFAULT 0 NOT NULL CONSTRAINT shipping_fee_not_negative CHECK (shipping_fee >= 0),
  discount BIGINT DEFAULT 0 NOT NULL CONSTRAINT discount_not_negative CHECK (discount >= 0),
  total BIGINT DEFAULT 0 NOT NULL CONSTRAINT total_not_negative CHECK (total >= 0),
  captured BIGINT DEFAULT 0 NOT NULL CONSTRAINT captured_not_negative CHECK (captured >= 0),
  refunded BIGINT DEFAULT 0 NOT NULL CONSTRAINT refunded_not_negative CHECK (refunded >= 0),
  refunding BIGINT DEFAULT 0 NOT NULL CONSTRAINT refunding_not_negative CHECK (refunding >= 0),
  currency ordercast_currency DEFAULT 'BDT' NOT NULL,
  prices_include_tax BIGINT DEFAULT 0 NOT NULL CONSTRAINT prices_include_tax_is_flag CHECK (prices_include_tax = 0 OR prices_include_tax = 1),
  promo_code ordercast_line,
  customer_id ordercast_id,
  customer_name ordercast_line,
  customer_email ordercast_line,
  customer_mobile ordercast_line,
  billing_info ordercast_object,
  shipping_info ordercast_object,
  cart_items ordercast_array DEFAULT '[]' NOT NULL,
  payment_info ordercast_object DEFAULT '{"method":"cash"}' NOT NULL,
  driver_id ordercast_id,
  held_from ordercast_word,
  attempts BIGINT DEFAULT 0 NOT NULL CONSTRAINT attempts_is_count CHECK (attempts BETWEEN 0 AND 1000000000000),
  eta_at ordercast_moment,
  tracking_hash ordercast_digest,
  placed_from ordercast_line,
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  reason ordercast_line,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  updated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (number),
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
  provider ordercast_word NOT NULL,
  reference ordercast_line NOT NULL,
  order_id ordercast_id NOT NULL,
  state ordercast_word NOT NULL,
  at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (provider, reference),
  CONSTRAINT state_known CHECK (state = 'open' OR state = 'won' OR state = 'lost')
)

CREATE INDEX payment_disputes_by_order ON payment_disputes (order_id)

CREATE TABLE payment_events (
  provider ordercast_word NOT NULL,
  event_id ordercast_line NOT NULL,
  kind ordercast_word NOT NULL,
  order_id ordercast_id,
  received_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (provider, event_id)
)

CREATE INDEX payment_events_by_age ON payment_events (received_at)

CREATE TABLE payment_methods (
  id ordercast_id DEFAULT (ordercast_new_id('pm')) NOT NULL,
  customer_id ordercast_id NOT NULL,
  provider ordercast_word NOT NULL,
  reference ordercast_line NOT NULL,
  owner ordercast_line NOT NULL,
  brand ordercast_line,
  last4 ordercast_word,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (id)
)

CREATE INDEX payment_methods_by_customer ON payment_methods (customer_id, id)

CREATE UNIQUE INDEX payment_methods_once ON payment_methods (customer_id, provider, reference)

CREATE TABLE payment_mismatches (
  id ordercast_id DEFAULT (ordercast_new_id('pmm')) NOT NULL,
  order_id ordercast_id NOT NULL,
  provider ordercast_word NOT NULL,
  reference ordercast_line,
  kind ordercast_word NOT NULL,
  ours JSONB  CONSTRAINT ours_is_short CHECK (pg_column_size(ours) <= 2097152),
  theirs JSONB  CONSTRAINT theirs_is_short CHECK (pg_column_size(theirs) <= 2097152),
  sentence ordercast_text NOT NULL,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  resolved_at ordercast_moment,
  resolved_by ordercast_line,
  note ordercast_text,
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT kind_known CHECK (kind = 'unknown_payment' OR kind = 'currency' OR kind = 'captured' OR kind = 'refunded' OR kind = 'held' OR kind = 'disputed' OR kind = 'paid_in_part' OR kind = 'task_refused' OR kind = 'impossible_move' OR kind = 'refund_failed'),
  CONSTRAINT resolved_by_somebody CHECK ((resolved_at IS NULL) = (resolved_by IS NULL))
)

CREATE UNIQUE INDEX payment_mismatches_open ON payment_mismatches (order_id, kind) WHERE resolved_at IS NULL

CREATE INDEX payment_mismatches_to_see_to ON payment_mismatches (id) WHERE resolved_at IS NULL

CREATE TABLE payment_tasks (
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  id ordercast_line NOT NULL,
  order_id ordercast_id,
  provider ordercast_word NOT NULL,
  reference ordercast_line DEFAULT '' NOT NULL,
  kind ordercast_word NOT NULL,
  amount BIGINT DEFAULT 0 NOT NULL CONSTRAINT amount_not_negative CHECK (amount >= 0),
  currency ordercast_word DEFAULT '' NOT NULL,
  reason ordercast_line,
  state ordercast_word DEFAULT 'due' NOT NULL,
  attempts ordercast_count DEFAULT 0 NOT NULL,
  due_at ordercast_moment NOT NULL,
  problem ordercast_text,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (entry),
  CONSTRAINT kind_known CHECK (kind = 'capture' OR kind = 'void' OR kind = 'refund' OR kind = 'abandon' OR kind = 'forget_card'),
  CONSTRAINT state_known CHECK (state = 'due' OR state = 'done' OR state = 'refused'),
  UNIQUE (id),
  CONSTRAINT amounts_within_bounds CHECK (amount <= 10000000000000)
)

CREATE INDEX payment_tasks_by_order ON payment_tasks (order_id, entry)

CREATE INDEX payment_tasks_due ON payment_tasks (due_at) WHERE state = 'due'

CREATE TABLE payments (
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  order_id ordercast_id NOT NULL,
  provider ordercast_word NOT NULL,
  reference ordercast_line,
  kind ordercast_word NOT NULL,
  amount BIGINT DEFAULT 0 NOT NULL CONSTRAINT amount_not_negative CHECK (amount >= 0),
  currency ordercast_currency NOT NULL,
  at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (entry),
  CONSTRAINT kind_known CHECK (kind = 'requested' OR kind = 'authorized' OR kind = 'captured' OR kind = 'voided' OR kind = 'failed'),
  CONSTRAINT amounts_within_bounds CHECK (amount <= 10000000000000)
)

CREATE INDEX payments_by_order ON payments (order_id, entry)

CREATE INDEX payments_by_reference ON payments (provider, reference)

CREATE INDEX payments_to_compare ON payments (at, entry) WHERE kind = 'authorized' AND reference IS NOT NULL

CREATE TABLE product_history (
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  product_id ordercast_id NOT NULL,
  version ordercast_version NOT NULL,
  before ordercast_told,
  after ordercast_told NOT NULL,
  actor ordercast_line NOT NULL,
  reason ordercast_line,
  at ordercast_moment NOT NULL,
  PRIMARY KEY (entry)
)

CREATE INDEX product_history_by_product ON product_history (product_id, entry)

CREATE TABLE products (
  id ordercast_id DEFAULT (ordercast_new_id('prd')) NOT NULL,
  slug ordercast_line NOT NULL,
  name ordercast_line NOT NULL,
  name_bn ordercast_line DEFAULT '' NOT NULL,
  description ordercast_text DEFAULT '' NOT NULL,
  description_bn ordercast_text DEFAULT '' NOT NULL,
  price BIGINT NOT NULL CONSTRAINT price_bounds CHECK (price BETWEEN 0 AND 10000000000),
  currency ordercast_currency DEFAULT 'BDT' NOT NULL,
  stock BIGINT NOT NULL CONSTRAINT stock_not_negative CHECK (stock >= 0),
  tax_class ordercast_word DEFAULT 'standard' NOT NULL,
  image ordercast_line DEFAULT '' NOT NULL,
  active BIGINT DEFAULT 1 NOT NULL CONSTRAINT active_is_flag CHECK (active = 0 OR active = 1),
  version ordercast_version DEFAULT 1 NOT NULL,
  sold BIGINT DEFAULT 0 NOT NULL,
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  reason ordercast_line,
  updated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT stock_within_bounds CHECK (stock + sold BETWEEN -1000000000000 AND 1000000000000),
  CONSTRAINT stock_is_count CHECK (stock <= 2000000000000),
  UNIQUE (slug)
)

CREATE INDEX products_by_tax_class ON products (tax_class) WHERE active = 1

CREATE INDEX products_for_sale ON products (id) WHERE active = 1

CREATE TABLE promotions (
  code ordercast_line NOT NULL CONSTRAINT code_in_capitals CHECK (code = upper(code)),
  kind ordercast_word NOT NULL,
  value ordercast_count NOT NULL CONSTRAINT value_fits_kind CHECK (CASE kind WHEN 'percent' THEN value BETWEEN 1 AND 10000 WHEN 'amount' THEN value > 0 ELSE value = 0 END),
  currency ordercast_currency DEFAULT 'BDT' NOT NULL,
  min_subtotal BIGINT DEFAULT 0 NOT NULL CONSTRAINT min_subtotal_not_negative CHECK (min_subtotal >= 0),
  starts_at ordercast_moment,
  ends_at ordercast_moment,
  uses ordercast_count DEFAULT 0 NOT NULL  CONSTRAINT uses_not_negative CHECK (uses >= 0),
  uses_max ordercast_count,
  uses_per_customer_max ordercast_count,
  active BIGINT DEFAULT 1 NOT NULL CONSTRAINT active_is_flag CHECK (active = 0 OR active = 1),
  version ordercast_version DEFAULT 1 NOT NULL,
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  updated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (code),
  CONSTRAINT kind_known CHECK (kind = 'percent' OR kind = 'amount' OR kind = 'free_delivery'),
  CONSTRAINT uses_within_max CHECK (uses_max IS NULL OR uses <= uses_max),
  CONSTRAINT ends_after_start CHECK (ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at),
  CONSTRAINT amounts_within_bounds CHECK (min_subtotal <= 10000000000000)
)

CREATE TABLE published_events (
  id ordercast_id DEFAULT (ordercast_new_id('evt')) NOT NULL,
  event ordercast_line NOT NULL  CONSTRAINT event_not_reserved CHECK (event NOT IN ('auth_expired', 'auth_expiring', 'auth_ignored', 'auth_revoked', 'connect', 'connect_error', 'customer_order_update', 'delivery_update', 'disconnect', 'disconnecting', 'error', 'message', 'newListener', 'newOrder', 'new_order', 'notification', 'orderStatusUpdated', 'order_update', 'participants', 'payment_mismatch', 'payment_update', 'product_update', 'ready', 'removeListener', 'resync', 'seen', 'stats', 'typing', 'watching')),
  rooms JSON DEFAULT '[]' NOT NULL CONSTRAINT rooms_is_array CHECK (json_typeof(rooms) = 'array') CONSTRAINT rooms_is_short CHECK (pg_column_size(rooms) <= 2097152),
  args JSON DEFAULT '[]' NOT NULL CONSTRAINT args_is_array CHECK (json_typeof(args) = 'array') CONSTRAINT args_is_short CHECK (pg_column_size(args) <= 2097152),
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT booking_is_one_object CHECK (event NOT IN ('booking_update', 'new_booking') OR (CASE json_typeof(args) WHEN 'array' THEN json_array_length(args) ELSE 0 END = 1 AND args::text ~ '^\s*\[\s*\{'))
)

CREATE INDEX published_events_by_age ON published_events (created_at)

CREATE TABLE refunds (
  entry BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT entry_positive CHECK (entry > 0),
  order_id ordercast_id NOT NULL,
  provider ordercast_word NOT NULL,
  reference ordercast_line NOT NULL,
  state ordercast_word DEFAULT 'succeeded' NOT NULL,
  amount BIGINT DEFAULT 0 NOT NULL CONSTRAINT amount_not_negative CHECK (amount >= 0),
  currency ordercast_currency NOT NULL,
  reason ordercast_line,
  task_id ordercast_line,
  at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (entry),
  CONSTRAINT state_known CHECK (state = 'pending' OR state = 'succeeded' OR state = 'failed'),
  CONSTRAINT amounts_within_bounds CHECK (amount <= 10000000000000)
)

CREATE INDEX refunds_by_order ON refunds (order_id)

CREATE UNIQUE INDEX refunds_by_reference ON refunds (provider, reference, state)

CREATE TABLE revocations (
  name ordercast_line NOT NULL,
  since ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  until ordercast_moment,
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  reason ordercast_line,
  PRIMARY KEY (name)
)

CREATE INDEX revocations_by_end ON revocations (until)

CREATE TABLE sandbox_notices (
  id ordercast_id NOT NULL,
  body ordercast_told NOT NULL,
  due_at ordercast_moment NOT NULL,
  PRIMARY KEY (id)
)

CREATE INDEX sandbox_notices_due ON sandbox_notices (due_at)

CREATE TABLE sandbox_payments (
  reference ordercast_line NOT NULL,
  key ordercast_line NOT NULL,
  card ordercast_word NOT NULL,
  currency ordercast_currency NOT NULL,
  authorized BIGINT DEFAULT 0 NOT NULL CONSTRAINT authorized_not_negative CHECK (authorized >= 0),
  captured BIGINT DEFAULT 0 NOT NULL CONSTRAINT captured_not_negative CHECK (captured >= 0),
  refunded BIGINT DEFAULT 0 NOT NULL CONSTRAINT refunded_not_negative CHECK (refunded >= 0),
  held BIGINT DEFAULT 0 NOT NULL CONSTRAINT held_is_flag CHECK (held = 0 OR held = 1),
  disputed BIGINT DEFAULT 0 NOT NULL CONSTRAINT disputed_is_flag CHECK (disputed = 0 OR disputed = 1),
  asked ordercast_array DEFAULT '[]' NOT NULL,
  created_at ordercast_moment NOT NULL,
  PRIMARY KEY (reference),
  UNIQUE (key),
  CONSTRAINT amounts_within_bounds CHECK (authorized <= 10000000000000 AND captured <= 10000000000000 AND refunded <= 10000000000000)
)

CREATE TABLE sessions (
  pid ordercast_line NOT NULL,
  sid ordercast_line NOT NULL,
  namespace ordercast_text NOT NULL,
  identity ordercast_identity NOT NULL,
  rooms ordercast_told NOT NULL,
  seen_at ordercast_moment NOT NULL,
  PRIMARY KEY (pid)
)

CREATE INDEX sessions_by_age ON sessions (seen_at)

CREATE TABLE shop (
  id BIGINT NOT NULL CONSTRAINT one_shop CHECK (id = 1),
  currency ordercast_currency DEFAULT 'BDT' NOT NULL,
  tax_rates_bp ordercast_object DEFAULT '{"exempt":0,"reduced":500,"standard":1500}' NOT NULL,
  prices_include_tax BIGINT DEFAULT 0 NOT NULL CONSTRAINT prices_include_tax_is_flag CHECK (prices_include_tax = 0 OR prices_include_tax = 1),
  rounding ordercast_word DEFAULT 'half_up' NOT NULL,
  delivery_fee BIGINT DEFAULT 6000 NOT NULL CONSTRAINT delivery_fee_not_negative CHECK (delivery_fee >= 0),
  free_delivery_from BIGINT DEFAULT 150000 CONSTRAINT free_delivery_from_not_negative CHECK (free_delivery_from >= 0),
  delivery_zones ordercast_array DEFAULT '[]' NOT NULL,
  version ordercast_version DEFAULT 1 NOT NULL,
  actor ordercast_line DEFAULT ordercast_actor() NOT NULL,
  updated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT rounding_known CHECK (rounding = 'half_up' OR rounding = 'half_even'),
  CONSTRAINT amounts_within_bounds CHECK (delivery_fee <= 10000000000000 AND free_delivery_from <= 10000000000000)
)

CREATE TABLE source_positions (
  name ordercast_line NOT NULL,
  revision ordercast_count DEFAULT 0 NOT NULL,
  snapshot ordercast_count DEFAULT 0 NOT NULL,
  phase ordercast_word DEFAULT 'new' NOT NULL,
  after_key ordercast_line,
  token ordercast_text,
  starts_at ordercast_word,
  lost BIGINT DEFAULT 0 NOT NULL CONSTRAINT lost_is_flag CHECK (lost = 0 OR lost = 1),
  resyncs ordercast_count DEFAULT 0 NOT NULL,
  updated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  PRIMARY KEY (name)
)

CREATE TABLE order_lines (
  order_number BIGINT NOT NULL,
  position ordercast_count NOT NULL,
  product_id ordercast_id NOT NULL,
  quantity ordercast_count NOT NULL  CONSTRAINT quantity_positive CHECK (quantity > 0),
  unit_price BIGINT DEFAULT 0 NOT NULL CONSTRAINT unit_price_not_negative CHECK (unit_price >= 0),
  line_total BIGINT DEFAULT 0 NOT NULL CONSTRAINT line_total_not_negative CHECK (line_total >= 0),
  tax BIGINT DEFAULT 0 NOT NULL CONSTRAINT tax_not_negative CHECK (tax >= 0),
  reserved BIGINT DEFAULT 0 NOT NULL CONSTRAINT reserved_is_flag CHECK (reserved = 0 OR reserved = 1),
  PRIMARY KEY (order_number, position),
  FOREIGN KEY(order_number) REFERENCES orders (number),
  FOREIGN KEY(product_id) REFERENCES products (id),
  CONSTRAINT amounts_within_bounds CHECK (unit_price <= 10000000000000 AND line_total <= 10000000000000 AND tax <= 10000000000000)
)

CREATE TABLE sign_ins (
  id ordercast_id NOT NULL,
  account_id ordercast_id NOT NULL,
  family_hash ordercast_digest NOT NULL,
  token_hash ordercast_digest NOT NULL,
  former_hash ordercast_digest,
  key_id ordercast_line DEFAULT '' NOT NULL,
  rotated_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  created_at ordercast_moment DEFAULT (ordercast_now()) NOT NULL,
  expires_at ordercast_moment NOT NULL,
  PRIMARY KEY (id),
  FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
  UNIQUE (family_hash)
)

CREATE INDEX sign_ins_by_account ON sign_ins (account_id, rotated_at)

CREATE INDEX sign_ins_by_end ON sign_ins (expires_at)

CREATE FUNCTION orders_begin() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.status = 'new' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write pending, not new';
  END IF;
  IF NEW.status = 'accepted' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write processing, not accepted';
  END IF;
  IF NEW.status = 'packing' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write processing, not packing';
  END IF;
  IF NEW.status = 'ready' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write ready_for_pickup or ready_for_delivery, not ready';
  END IF;
  IF NEW.status = 'out_for_delivery' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write in_transit, not out_for_delivery';
  END IF;
  IF NEW.status = 'completed' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write delivered, not completed';
  END IF;
  IF NOT (NEW.status = 'pending' AND NEW.version = 1) AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'importing') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_first_state: a new order is pending and of version 1; to import others, put a row importing into meta first';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER orders_begin BEFORE INSERT ON orders FOR EACH ROW WHEN (NOT (NEW.status = 'pending' AND NEW.version = 1)) EXECUTE FUNCTION orders_begin()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_begin

CREATE FUNCTION orders_renamed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.status = 'new' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write pending, not new';
  END IF;
  IF NEW.status = 'accepted' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write processing, not accepted';
  END IF;
  IF NEW.status = 'packing' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write processing, not packing';
  END IF;
  IF NEW.status = 'ready' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write ready_for_pickup or ready_for_delivery, not ready';
  END IF;
  IF NEW.status = 'out_for_delivery' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write in_transit, not out_for_delivery';
  END IF;
  IF NEW.status = 'completed' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_former_name: write delivered, not completed';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER orders_renamed BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status IN ('accepted', 'completed', 'new', 'out_for_delivery', 'packing', 'ready')) EXECUTE FUNCTION orders_renamed()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_renamed

CREATE FUNCTION orders_moved() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.status = 'pending' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'expired', 'on_hold', 'processing', 'rejected') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is pending goes to processing, rejected, expired, cancelled, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'processing' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'on_hold', 'ready_for_delivery', 'ready_for_pickup') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is processing goes to ready_for_pickup, ready_for_delivery, cancelled, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'ready_for_pickup' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'delivered', 'on_hold') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is ready_for_pickup goes to delivered, cancelled, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'ready_for_delivery' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'driver_assigned', 'on_hold') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is ready_for_delivery goes to driver_assigned, cancelled, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'driver_assigned' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'on_hold', 'picked_up', 'ready_for_delivery') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is driver_assigned goes to ready_for_delivery, picked_up, cancelled, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'picked_up' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('in_transit', 'on_hold') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is picked_up goes to in_transit, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'in_transit' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('delivered', 'delivery_failed', 'on_hold') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is in_transit goes to delivered, delivery_failed, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'delivered' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is delivered goes nowhere any more';
  END IF;
  IF OLD.status = 'delivery_failed' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('in_transit', 'on_hold', 'returning') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is delivery_failed goes to in_transit, returning, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'returning' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('on_hold', 'returned') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is returning goes to returned, on_hold and nowhere else';
  END IF;
  IF OLD.status = 'returned' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is returned goes nowhere any more';
  END IF;
  IF OLD.status = 'on_hold' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') AND NOT NEW.status IN ('cancelled', 'delivery_failed', 'driver_assigned', 'in_transit', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'returning') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is on_hold goes to cancelled, pending, processing, ready_for_pickup, ready_for_delivery, driver_assigned, picked_up, in_transit, delivery_failed, returning and nowhere else';
  END IF;
  IF OLD.status = 'rejected' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is rejected goes nowhere any more';
  END IF;
  IF OLD.status = 'expired' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is expired goes nowhere any more';
  END IF;
  IF OLD.status = 'cancelled' AND NEW.status IN ('cancelled', 'delivered', 'delivery_failed', 'driver_assigned', 'expired', 'in_transit', 'on_hold', 'pending', 'picked_up', 'processing', 'ready_for_delivery', 'ready_for_pickup', 'rejected', 'returned', 'returning') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_flow: an order that is cancelled goes nowhere any more';
  END IF;
  IF ((OLD.status = 'pending' AND NEW.status = 'processing')) AND NOT (NEW.payment_status IN ('authorized', 'paid') OR NEW.payment_info ->> 'method' IS NOT DISTINCT FROM 'cash') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_ready: before it is prepared an order is authorized, paid, or to be paid in cash';
  END IF;
  IF NEW.status = 'on_hold' AND NEW.held_from IS DISTINCT FROM OLD.status THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_held_from: held_from names the status that the order is held from';
  END IF;
  IF ((OLD.status = 'on_hold' AND NEW.status = 'pending') OR (OLD.status = 'on_hold' AND NEW.status = 'processing') OR (OLD.status = 'on_hold' AND NEW.status = 'ready_for_pickup') OR (OLD.status = 'on_hold' AND NEW.status = 'ready_for_delivery') OR (OLD.status = 'on_hold' AND NEW.status = 'driver_assigned') OR (OLD.status = 'on_hold' AND NEW.status = 'picked_up') OR (OLD.status = 'on_hold' AND NEW.status = 'in_transit') OR (OLD.status = 'on_hold' AND NEW.status = 'delivery_failed') OR (OLD.status = 'on_hold' AND NEW.status = 'returning')) AND OLD.held_from IS DISTINCT FROM NEW.status THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_held_from: an order that is on_hold returns to where it was';
  END IF;
  IF ((OLD.status = 'on_hold' AND NEW.status = 'cancelled')) AND NOT OLD.held_from IN ('driver_assigned', 'pending', 'processing', 'ready_for_delivery', 'ready_for_pickup') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_held_from: goods that have left the shop are returned, not cancelled';
  END IF;
  IF ((OLD.status = 'driver_assigned' AND NEW.status = 'ready_for_delivery')) AND NEW.driver_id IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_driver: an order that is given back waits for a driver and has none';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER orders_moved BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION orders_moved()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_moved

CREATE FUNCTION orders_held() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_held_from: where an order is held from changes with its status alone';
  RETURN NEW;
END
$$

CREATE TRIGGER orders_held BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.status = NEW.status AND OLD.held_from IS DISTINCT FROM NEW.held_from) EXECUTE FUNCTION orders_held()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_held

CREATE FUNCTION orders_paid() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.payment_status = 'unpaid' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('authorized', 'failed', 'paid', 'voided') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is unpaid becomes authorized, failed, paid, voided and nothing else';
  END IF;
  IF OLD.payment_status = 'authorized' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('failed', 'paid', 'voided') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is authorized becomes failed, paid, voided and nothing else';
  END IF;
  IF OLD.payment_status = 'paid' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('disputed', 'partially_refunded', 'refunded') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is paid becomes disputed, partially_refunded, refunded and nothing else';
  END IF;
  IF OLD.payment_status = 'partially_refunded' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('disputed', 'paid', 'refunded') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is partially_refunded becomes disputed, paid, refunded and nothing else';
  END IF;
  IF OLD.payment_status = 'refunded' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('failed', 'paid', 'partially_refunded') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is refunded becomes failed, paid, partially_refunded and nothing else';
  END IF;
  IF OLD.payment_status = 'failed' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('authorized', 'disputed', 'paid', 'refunded', 'unpaid', 'voided') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is failed becomes authorized, disputed, paid, refunded, unpaid, voided and nothing else';
  END IF;
  IF OLD.payment_status = 'voided' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is voided changes no more';
  END IF;
  IF OLD.payment_status = 'disputed' AND NEW.payment_status IN ('authorized', 'disputed', 'failed', 'paid', 'partially_refunded', 'refunded', 'unpaid', 'voided') AND NOT NEW.payment_status IN ('failed', 'paid', 'partially_refunded', 'refunded') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_payment_flow: a payment that is disputed becomes failed, paid, partially_refunded, refunded and nothing else';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER orders_paid BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.payment_status <> NEW.payment_status) EXECUTE FUNCTION orders_paid()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_paid

CREATE FUNCTION orders_counted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.attempts < OLD.attempts THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_attempts: attempts at delivery are only ever added to';
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_version: a version rises by one with each change';
  RETURN NEW;
END
$$

CREATE TRIGGER orders_counted BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.version NOT IN (OLD.version, OLD.version + 1) OR NEW.attempts < OLD.attempts) EXECUTE FUNCTION orders_counted()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_counted

CREATE FUNCTION orders_placed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.promo_code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM promotions WHERE code = NEW.promo_code) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_promotion: there is no such promotion';
  END IF;
  UPDATE promotions SET uses = uses + 1
    WHERE code = NEW.promo_code AND NEW.status NOT IN ('cancelled', 'expired', 'rejected');
  INSERT INTO order_history (order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at)
    VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NEW.actor, NEW.reason,
      NEW.updated_at);
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES (CASE NEW.status WHEN 'pending' THEN 'order.placed' ELSE 'order.imported' END,
      NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, CAST(json_build_object('id', NEW.id, 'number', NEW.number, 'status', NEW.status, 'paymentStatus', NEW.payment_status, 'fulfilment', NEW.fulfilment, 'version', NEW.version, 'subtotal', NEW.subtotal, 'tax', NEW.tax, 'shippingFee', NEW.shipping_fee, 'discount', NEW.discount, 'total', NEW.total, 'currency', NEW.currency, 'amountPaid', NEW.captured, 'amountRefunded', NEW.refunded, 'amountRefunding', NEW.refunding, 'promoCode', NEW.promo_code, 'pricesIncludeTax', (NEW.prices_include_tax <> 0), 'customerInfo', json_build_object('name', NEW.customer_name, 'email', NEW.customer_email, 'mobile', NEW.customer_mobile), 'billingInfo', NEW.billing_info, 'shippingInfo', NEW.shipping_info, 'cartItems', NEW.cart_items, 'paymentInfo', NEW.payment_info, 'customerId', NEW.customer_id, 'driverId', NEW.driver_id, 'heldFrom', NEW.held_from, 'createdAt', NEW.created_at, 'updatedAt', NEW.updated_at) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER orders_placed AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION orders_placed()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_placed

CREATE FUNCTION orders_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number OR OLD.status IS DISTINCT FROM NEW.status OR OLD.payment_status IS DISTINCT FROM NEW.payment_status OR OLD.fulfilment IS DISTINCT FROM NEW.fulfilment OR OLD.subtotal IS DISTINCT FROM NEW.subtotal OR OLD.tax IS DISTINCT FROM NEW.tax OR OLD.shipping_fee IS DISTINCT FROM NEW.shipping_fee OR OLD.discount IS DISTINCT FROM NEW.discount OR OLD.total IS DISTINCT FROM NEW.total OR OLD.currency IS DISTINCT FROM NEW.currency OR OLD.captured IS DISTINCT FROM NEW.captured OR OLD.refunded IS DISTINCT FROM NEW.refunded OR OLD.refunding IS DISTINCT FROM NEW.refunding OR OLD.promo_code IS DISTINCT FROM NEW.promo_code OR OLD.prices_include_tax IS DISTINCT FROM NEW.prices_include_tax OR OLD.customer_name IS DISTINCT FROM NEW.customer_name OR OLD.customer_email IS DISTINCT FROM NEW.customer_email OR OLD.customer_mobile IS DISTINCT FROM NEW.customer_mobile OR OLD.billing_info IS DISTINCT FROM NEW.billing_info OR OLD.shipping_info IS DISTINCT FROM NEW.shipping_info OR OLD.cart_items IS DISTINCT FROM NEW.cart_items OR OLD.payment_info IS DISTINCT FROM NEW.payment_info OR OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.driver_id IS DISTINCT FROM NEW.driver_id OR OLD.held_from IS DISTINCT FROM NEW.held_from OR OLD.created_at IS DISTINCT FROM NEW.created_at THEN
    UPDATE orders
      SET version = OLD.version + 1, actor = ordercast_actor(), reason = NULL,
        updated_at = ordercast_now(), attempts = attempts + CASE WHEN OLD.status <> NEW.status AND NEW.status IN ('delivery_failed') AND NEW.attempts = OLD.attempts THEN 1 ELSE 0 END
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
        CAST(json_build_object('id', OLD.id, 'number', OLD.number, 'status', OLD.status, 'paymentStatus', OLD.payment_status, 'fulfilment', OLD.fulfilment, 'version', OLD.version, 'subtotal', OLD.subtotal, 'tax', OLD.tax, 'shippingFee', OLD.shipping_fee, 'discount', OLD.discount, 'total', OLD.total, 'currency', OLD.currency, 'amountPaid', OLD.captured, 'amountRefunded', OLD.refunded, 'amountRefunding', OLD.refunding, 'promoCode', OLD.promo_code, 'pricesIncludeTax', (OLD.prices_include_tax <> 0), 'customerInfo', json_build_object('name', OLD.customer_name, 'email', OLD.customer_email, 'mobile', OLD.customer_mobile), 'billingInfo', OLD.billing_info, 'shippingInfo', OLD.shipping_info, 'cartItems', OLD.cart_items, 'paymentInfo', OLD.payment_info, 'customerId', OLD.customer_id, 'driverId', OLD.driver_id, 'heldFrom', OLD.held_from, 'createdAt', OLD.created_at, 'updatedAt', OLD.updated_at) AS text), CAST(json_build_object('id', orders.id, 'number', orders.number, 'status', orders.status, 'paymentStatus', orders.payment_status, 'fulfilment', orders.fulfilment, 'version', orders.version, 'subtotal', orders.subtotal, 'tax', orders.tax, 'shippingFee', orders.shipping_fee, 'discount', orders.discount, 'total', orders.total, 'currency', orders.currency, 'amountPaid', orders.captured, 'amountRefunded', orders.refunded, 'amountRefunding', orders.refunding, 'promoCode', orders.promo_code, 'pricesIncludeTax', (orders.prices_include_tax <> 0), 'customerInfo', json_build_object('name', orders.customer_name, 'email', orders.customer_email, 'mobile', orders.customer_mobile), 'billingInfo', orders.billing_info, 'shippingInfo', orders.shipping_info, 'cartItems', orders.cart_items, 'paymentInfo', orders.payment_info, 'customerId', orders.customer_id, 'driverId', orders.driver_id, 'heldFrom', orders.held_from, 'createdAt', orders.created_at, 'updatedAt', orders.updated_at) AS text)
      FROM orders WHERE number = NEW.number;
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER orders_changed AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION orders_changed()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_changed

CREATE FUNCTION lines_take_stock() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF (SELECT status FROM orders WHERE number = NEW.order_number FOR SHARE) IN ('cancelled', 'expired', 'rejected') THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_lines: what was given back cannot be sold again by the same order';
  END IF;
  UPDATE products SET stock = stock - NEW.quantity, sold = sold + NEW.quantity WHERE id = NEW.product_id;
  UPDATE order_lines SET reserved = 1 WHERE order_number = NEW.order_number AND position = NEW.position;
  RETURN NULL;
END
$$

CREATE TRIGGER lines_take_stock AFTER INSERT ON order_lines FOR EACH ROW WHEN (NEW.reserved = 0) EXECUTE FUNCTION lines_take_stock()

ALTER TABLE order_lines ENABLE ALWAYS TRIGGER lines_take_stock

CREATE FUNCTION orders_keep_promotion() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_promotion: an order keeps its promotion';
  RETURN NEW;
END
$$

CREATE TRIGGER orders_keep_promotion BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.promo_code IS DISTINCT FROM NEW.promo_code) EXECUTE FUNCTION orders_keep_promotion()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_keep_promotion

CREATE FUNCTION lines_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_lines: what was sold stays written';
  RETURN OLD;
END
$$

CREATE TRIGGER lines_kept BEFORE DELETE ON order_lines FOR EACH ROW EXECUTE FUNCTION lines_kept()

ALTER TABLE order_lines ENABLE ALWAYS TRIGGER lines_kept

CREATE FUNCTION lines_unchanged() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_lines: what was sold stays written';
  RETURN NEW;
END
$$

CREATE TRIGGER lines_unchanged BEFORE UPDATE ON order_lines FOR EACH ROW WHEN (OLD.product_id IS DISTINCT FROM NEW.product_id OR OLD.quantity IS DISTINCT FROM NEW.quantity OR OLD.order_number IS DISTINCT FROM NEW.order_number OR OLD.reserved > NEW.reserved) EXECUTE FUNCTION lines_unchanged()

ALTER TABLE order_lines ENABLE ALWAYS TRIGGER lines_unchanged

CREATE FUNCTION orders_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'an order is cancelled, never deleted';
  RETURN OLD;
END
$$

CREATE TRIGGER orders_kept BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION orders_kept()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_kept

CREATE FUNCTION orders_named_once() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'an order keeps its id and number';
  RETURN NEW;
END
$$

CREATE TRIGGER orders_named_once BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number) EXECUTE FUNCTION orders_named_once()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_named_once

CREATE FUNCTION history_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'history is only ever added to';
  RETURN OLD;
END
$$

CREATE TRIGGER history_kept BEFORE DELETE ON order_history FOR EACH ROW EXECUTE FUNCTION history_kept()

ALTER TABLE order_history ENABLE ALWAYS TRIGGER history_kept

CREATE FUNCTION history_unchanged() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT (substr(OLD.actor, 1, 9) = 'customer:' AND NEW.actor = 'customer:erased' AND NEW.reason IS NULL AND NEW.entry IS NOT DISTINCT FROM OLD.entry AND NEW.order_id IS NOT DISTINCT FROM OLD.order_id AND NEW.version IS NOT DISTINCT FROM OLD.version AND NEW.from_status IS NOT DISTINCT FROM OLD.from_status AND NEW.to_status IS NOT DISTINCT FROM OLD.to_status AND NEW.from_payment_status IS NOT DISTINCT FROM OLD.from_payment_status AND NEW.to_payment_status IS NOT DISTINCT FROM OLD.to_payment_status AND NEW.at IS NOT DISTINCT FROM OLD.at) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'history is only ever added to';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER history_unchanged BEFORE UPDATE ON order_history FOR EACH ROW EXECUTE FUNCTION history_unchanged()

ALTER TABLE order_history ENABLE ALWAYS TRIGGER history_unchanged

CREATE FUNCTION products_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO product_history (product_id, version, before, after, actor, reason, at)
    VALUES (NEW.id, NEW.version, NULL, CAST(json_build_object('id', NEW.id, 'slug', NEW.slug, 'name', NEW.name, 'nameBn', NEW.name_bn, 'description', NEW.description, 'descriptionBn', NEW.description_bn, 'price', NEW.price, 'currency', NEW.currency, 'stock', NEW.stock, 'taxClass', NEW.tax_class, 'image', NEW.image, 'active', (NEW.active <> 0), 'version', NEW.version) AS text), NEW.actor, NEW.reason, NEW.updated_at);
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    SELECT 'product.added', NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, CAST(json_build_object('id', NEW.id, 'slug', NEW.slug, 'name', NEW.name, 'nameBn', NEW.name_bn, 'description', NEW.description, 'descriptionBn', NEW.description_bn, 'price', NEW.price, 'currency', NEW.currency, 'stock', NEW.stock, 'taxClass', NEW.tax_class, 'image', NEW.image, 'active', (NEW.active <> 0), 'version', NEW.version) AS text)
    WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'importing');
  RETURN NULL;
END
$$

CREATE TRIGGER products_added AFTER INSERT ON products FOR EACH ROW EXECUTE FUNCTION products_added()

ALTER TABLE products ENABLE ALWAYS TRIGGER products_added

CREATE FUNCTION products_edited() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.stock + OLD.sold <> NEW.stock + NEW.sold OR OLD.id IS DISTINCT FROM NEW.id OR OLD.slug IS DISTINCT FROM NEW.slug OR OLD.name IS DISTINCT FROM NEW.name OR OLD.name_bn IS DISTINCT FROM NEW.name_bn OR OLD.description IS DISTINCT FROM NEW.description OR OLD.description_bn IS DISTINCT FROM NEW.description_bn OR OLD.price IS DISTINCT FROM NEW.price OR OLD.currency IS DISTINCT FROM NEW.currency OR OLD.tax_class IS DISTINCT FROM NEW.tax_class OR OLD.image IS DISTINCT FROM NEW.image OR OLD.active IS DISTINCT FROM NEW.active THEN
    UPDATE products
      SET version = OLD.version + 1, actor = ordercast_actor(), reason = NULL, updated_at = ordercast_now()
      WHERE id = NEW.id AND NEW.version <= OLD.version;
    INSERT INTO product_history (product_id, version, before, after, actor, reason, at)
      SELECT id, version, CAST(json_build_object('id', OLD.id, 'slug', OLD.slug, 'name', OLD.name, 'nameBn', OLD.name_bn, 'description', OLD.description, 'descriptionBn', OLD.description_bn, 'price', OLD.price, 'currency', OLD.currency, 'stock', OLD.stock, 'taxClass', OLD.tax_class, 'image', OLD.image, 'active', (OLD.active <> 0), 'version', OLD.version) AS text), CAST(json_build_object('id', products.id, 'slug', products.slug, 'name', products.name, 'nameBn', products.name_bn, 'description', products.description, 'descriptionBn', products.description_bn, 'price', products.price, 'currency', products.currency, 'stock', products.stock, 'taxClass', products.tax_class, 'image', products.image, 'active', (products.active <> 0), 'version', products.version) AS text), actor, reason, updated_at
      FROM products WHERE id = NEW.id;
    INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
      SELECT 'product.changed', id, version, actor, reason, updated_at,
        CAST(json_build_object('id', OLD.id, 'slug', OLD.slug, 'name', OLD.name, 'nameBn', OLD.name_bn, 'description', OLD.description, 'descriptionBn', OLD.description_bn, 'price', OLD.price, 'currency', OLD.currency, 'stock', OLD.stock, 'taxClass', OLD.tax_class, 'image', OLD.image, 'active', (OLD.active <> 0), 'version', OLD.version) AS text), CAST(json_build_object('id', products.id, 'slug', products.slug, 'name', products.name, 'nameBn', products.name_bn, 'description', products.description, 'descriptionBn', products.description_bn, 'price', products.price, 'currency', products.currency, 'stock', products.stock, 'taxClass', products.tax_class, 'image', products.image, 'active', (products.active <> 0), 'version', products.version) AS text)
      FROM products WHERE id = NEW.id;
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER products_edited AFTER UPDATE ON products FOR EACH ROW EXECUTE FUNCTION products_edited()

ALTER TABLE products ENABLE ALWAYS TRIGGER products_edited

CREATE FUNCTION products_sold_out() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF (OLD.stock = 0) <> (NEW.stock = 0) AND NOT (OLD.stock + OLD.sold <> NEW.stock + NEW.sold OR OLD.id IS DISTINCT FROM NEW.id OR OLD.slug IS DISTINCT FROM NEW.slug OR OLD.name IS DISTINCT FROM NEW.name OR OLD.name_bn IS DISTINCT FROM NEW.name_bn OR OLD.description IS DISTINCT FROM NEW.description OR OLD.description_bn IS DISTINCT FROM NEW.description_bn OR OLD.price IS DISTINCT FROM NEW.price OR OLD.currency IS DISTINCT FROM NEW.currency OR OLD.tax_class IS DISTINCT FROM NEW.tax_class OR OLD.image IS DISTINCT FROM NEW.image OR OLD.active IS DISTINCT FROM NEW.active) THEN
    INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
      VALUES ('product.changed', NEW.id, NEW.version, 'service:stock', NULL, ordercast_now(),
        CAST(json_build_object('id', OLD.id, 'slug', OLD.slug, 'name', OLD.name, 'nameBn', OLD.name_bn, 'description', OLD.description, 'descriptionBn', OLD.description_bn, 'price', OLD.price, 'currency', OLD.currency, 'stock', OLD.stock, 'taxClass', OLD.tax_class, 'image', OLD.image, 'active', (OLD.active <> 0), 'version', OLD.version) AS text), CAST(json_build_object('id', NEW.id, 'slug', NEW.slug, 'name', NEW.name, 'nameBn', NEW.name_bn, 'description', NEW.description, 'descriptionBn', NEW.description_bn, 'price', NEW.price, 'currency', NEW.currency, 'stock', NEW.stock, 'taxClass', NEW.tax_class, 'image', NEW.image, 'active', (NEW.active <> 0), 'version', NEW.version) AS text));
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER products_sold_out AFTER UPDATE OF stock ON products FOR EACH ROW EXECUTE FUNCTION products_sold_out()

ALTER TABLE products ENABLE ALWAYS TRIGGER products_sold_out

CREATE FUNCTION products_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM order_lines WHERE product_id = OLD.id) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'product_sold: what was sold is made inactive, never deleted';
  END IF;
  RETURN OLD;
END
$$

CREATE TRIGGER products_kept BEFORE DELETE ON products FOR EACH ROW EXECUTE FUNCTION products_kept()

ALTER TABLE products ENABLE ALWAYS TRIGGER products_kept

CREATE FUNCTION products_named_once() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'product_sold: a product keeps its id';
  RETURN NEW;
END
$$

CREATE TRIGGER products_named_once BEFORE UPDATE ON products FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION products_named_once()

ALTER TABLE products ENABLE ALWAYS TRIGGER products_named_once

CREATE FUNCTION product_history_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'history is only ever added to';
  RETURN OLD;
END
$$

CREATE TRIGGER product_history_kept BEFORE DELETE ON product_history FOR EACH ROW EXECUTE FUNCTION product_history_kept()

ALTER TABLE product_history ENABLE ALWAYS TRIGGER product_history_kept

CREATE FUNCTION product_history_unchanged() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'history is only ever added to';
  RETURN NEW;
END
$$

CREATE TRIGGER product_history_unchanged BEFORE UPDATE ON product_history FOR EACH ROW EXECUTE FUNCTION product_history_unchanged()

ALTER TABLE product_history ENABLE ALWAYS TRIGGER product_history_unchanged

CREATE FUNCTION deliveries_told() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT NEW.driver_id, 'assigned', o.id, json_build_object('number', o.number),
      'info', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.stage = 'driver_assigned' AND NEW.driver_id IS NOT NULL AND o.actor <> 'driver:' || NEW.driver_id;
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT NEW.former_driver_id, 'unassigned', o.id, json_build_object('number', o.number),
      'warning', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.former_driver_id IS NOT NULL AND o.actor <> 'driver:' || NEW.former_driver_id;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    SELECT 'delivery.moved', o.id, NEW.version, o.actor, o.reason, NEW.at, NULL,
      CAST(json_build_object('orderId', o.id, 'number', o.number, 'customerId', o.customer_id, 'stage', NEW.stage, 'driver', CASE WHEN NEW.driver_id IS NOT NULL THEN json_build_object('id', NEW.driver_id, 'name', (SELECT name FROM accounts WHERE id = NEW.driver_id)) END, 'formerDriverId', NEW.former_driver_id, 'attempts', NEW.attempts, 'eta', NEW.eta_at, 'position', CASE WHEN NEW.lat IS NOT NULL THEN json_build_object('lat', NEW.lat, 'lng', NEW.lng, 'at', (SELECT located_at FROM driver_states WHERE driver_id = NEW.driver_id)) END) AS text)
    FROM orders o WHERE o.id = NEW.order_id;
  RETURN NULL;
END
$$

CREATE TRIGGER deliveries_told AFTER INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION deliveries_told()

ALTER TABLE deliveries ENABLE ALWAYS TRIGGER deliveries_told

CREATE FUNCTION deliveries_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'deliveries: only ever added to';
  RETURN OLD;
END
$$

CREATE TRIGGER deliveries_kept BEFORE DELETE ON deliveries FOR EACH ROW EXECUTE FUNCTION deliveries_kept()

ALTER TABLE deliveries ENABLE ALWAYS TRIGGER deliveries_kept

CREATE FUNCTION deliveries_unchanged() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT (NEW.lat IS NULL AND NEW.lng IS NULL AND NEW.entry IS NOT DISTINCT FROM OLD.entry AND NEW.order_id IS NOT DISTINCT FROM OLD.order_id AND NEW.version IS NOT DISTINCT FROM OLD.version AND NEW.stage IS NOT DISTINCT FROM OLD.stage AND NEW.driver_id IS NOT DISTINCT FROM OLD.driver_id AND NEW.former_driver_id IS NOT DISTINCT FROM OLD.former_driver_id AND NEW.attempts IS NOT DISTINCT FROM OLD.attempts AND NEW.eta_at IS NOT DISTINCT FROM OLD.eta_at AND NEW.at IS NOT DISTINCT FROM OLD.at) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'deliveries: only ever added to';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER deliveries_unchanged BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION deliveries_unchanged()

ALTER TABLE deliveries ENABLE ALWAYS TRIGGER deliveries_unchanged

CREATE FUNCTION notifications_of_changes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT o.customer_id, 'order_status', o.id, json_build_object('number', o.number, 'status', NEW.to_status, 'fulfilment', o.fulfilment),
      CASE WHEN NEW.to_status IN ('cancelled', 'delivery_failed', 'expired', 'rejected') THEN 'warning' ELSE 'info' END, NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND o.customer_id IS NOT NULL AND NEW.actor <> 'customer:' || o.customer_id AND (o.tracking_hash IS NULL OR EXISTS (SELECT 1 FROM customers WHERE id = o.customer_id));
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT 'store', 'order_cancelled', o.id, json_build_object('number', o.number),
      'warning', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND NEW.to_status = 'cancelled' AND NEW.actor = 'customer:' || o.customer_id;
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT 'store', 'delivery_trouble', o.id, json_build_object('number', o.number, 'attempts', o.attempts),
      'warning', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_status <> NEW.to_status AND NEW.to_status = 'delivery_failed';
  INSERT INTO notifications (recipient, kind, order_id, data, severity, created_at)
    SELECT 'store', 'payment_trouble', o.id, json_build_object('number', o.number, 'paymentStatus', NEW.to_payment_status),
      'error', NEW.at
    FROM orders o
    WHERE o.id = NEW.order_id AND NEW.from_payment_status <> NEW.to_payment_status AND NEW.to_payment_status IN ('disputed', 'failed');
  RETURN NULL;
END
$$

CREATE TRIGGER notifications_of_changes AFTER INSERT ON order_history FOR EACH ROW WHEN (NEW.from_status IS NOT NULL) EXECUTE FUNCTION notifications_of_changes()

ALTER TABLE order_history ENABLE ALWAYS TRIGGER notifications_of_changes

CREATE FUNCTION notifications_told() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('notification.made', NEW.id, 1, 'service:shop', NULL, NEW.created_at, NULL,
      CAST(json_build_object('recipient', NEW.recipient, 'kind', NEW.kind, 'orderId', NEW.order_id, 'data', NEW.data, 'severity', NEW.severity) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER notifications_told AFTER INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION notifications_told()

ALTER TABLE notifications ENABLE ALWAYS TRIGGER notifications_told

CREATE FUNCTION notifications_forgotten() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM notification_reads WHERE notification_id = OLD.id;
  RETURN NULL;
END
$$

CREATE TRIGGER notifications_forgotten AFTER DELETE ON notifications FOR EACH ROW EXECUTE FUNCTION notifications_forgotten()

ALTER TABLE notifications ENABLE ALWAYS TRIGGER notifications_forgotten

CREATE FUNCTION events_published() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('event.published', NEW.id, 1, NEW.actor, NULL, NEW.created_at, NULL,
      CAST(json_build_object('event', NEW.event, 'rooms', NEW.rooms, 'args', NEW.args) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER events_published AFTER INSERT ON published_events FOR EACH ROW EXECUTE FUNCTION events_published()

ALTER TABLE published_events ENABLE ALWAYS TRIGGER events_published

CREATE FUNCTION last_admin_stays() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM accounts WHERE role = 'admin' AND active = 1 AND id <> OLD.id FOR UPDATE) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'last_admin: somebody stays who may make accounts';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER last_admin_stays BEFORE UPDATE ON accounts FOR EACH ROW WHEN (OLD.role = 'admin' AND OLD.active = 1 AND (NEW.role <> 'admin' OR NEW.active <> 1)) EXECUTE FUNCTION last_admin_stays()

ALTER TABLE accounts ENABLE ALWAYS TRIGGER last_admin_stays

CREATE FUNCTION last_admin_not_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM accounts WHERE role = 'admin' AND active = 1 AND id <> OLD.id FOR UPDATE) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'last_admin: somebody stays who may make accounts';
  END IF;
  RETURN OLD;
END
$$

CREATE TRIGGER last_admin_not_removed BEFORE DELETE ON accounts FOR EACH ROW WHEN (OLD.role = 'admin' AND OLD.active = 1) EXECUTE FUNCTION last_admin_not_removed()

ALTER TABLE accounts ENABLE ALWAYS TRIGGER last_admin_not_removed

CREATE FUNCTION access_revoked() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM sign_ins WHERE account_id = NEW.name AND created_at <= NEW.since;
  DELETE FROM sign_ins WHERE id = NEW.name;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('access.revoked', NEW.name, 1, NEW.actor, NEW.reason, NEW.since, NULL,
      CAST(json_build_object('name', NEW.name, 'since', NEW.since, 'until', NEW.until) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER access_revoked AFTER INSERT ON revocations FOR EACH ROW EXECUTE FUNCTION access_revoked()

ALTER TABLE revocations ENABLE ALWAYS TRIGGER access_revoked

CREATE FUNCTION access_revoked_again() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM sign_ins WHERE account_id = NEW.name AND created_at <= NEW.since;
  DELETE FROM sign_ins WHERE id = NEW.name;
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('access.revoked', NEW.name, 1, NEW.actor, NEW.reason, NEW.since, NULL,
      CAST(json_build_object('name', NEW.name, 'since', NEW.since, 'until', NEW.until) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER access_revoked_again AFTER UPDATE ON revocations FOR EACH ROW EXECUTE FUNCTION access_revoked_again()

ALTER TABLE revocations ENABLE ALWAYS TRIGGER access_revoked_again

CREATE FUNCTION accounts_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM sign_ins WHERE account_id = OLD.id;
  INSERT INTO revocations (name, since, actor, reason)
    VALUES (OLD.id, ordercast_now(), 'db:accounts', 'The account was changed.')
    ON CONFLICT (name) DO UPDATE
      SET since = excluded.since, until = NULL, actor = excluded.actor, reason = excluded.reason;
  RETURN NULL;
END
$$

CREATE TRIGGER accounts_changed AFTER UPDATE ON accounts FOR EACH ROW WHEN (NEW.active < OLD.active OR NEW.role <> OLD.role OR NEW.password_hash <> OLD.password_hash OR NEW.id <> OLD.id) EXECUTE FUNCTION accounts_changed()

ALTER TABLE accounts ENABLE ALWAYS TRIGGER accounts_changed

CREATE FUNCTION accounts_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM sign_ins WHERE account_id = OLD.id;
  INSERT INTO revocations (name, since, actor, reason)
    VALUES (OLD.id, ordercast_now(), 'db:accounts', 'The account was removed.')
    ON CONFLICT (name) DO UPDATE
      SET since = excluded.since, until = NULL, actor = excluded.actor, reason = excluded.reason;
  RETURN NULL;
END
$$

CREATE TRIGGER accounts_removed AFTER DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION accounts_removed()

ALTER TABLE accounts ENABLE ALWAYS TRIGGER accounts_removed

CREATE FUNCTION customers_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('customer.erased', NEW.customer_id, 1, NEW.actor, NULL, NEW.at, NULL, CAST(json_build_object('id', NEW.id) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER customers_erased AFTER INSERT ON erasures FOR EACH ROW EXECUTE FUNCTION customers_erased()

ALTER TABLE erasures ENABLE ALWAYS TRIGGER customers_erased

CREATE FUNCTION mismatches_raised() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('payment.mismatch', NEW.id, 1, NEW.actor, NULL, NEW.created_at, NULL,
      CAST(json_build_object('id', NEW.id, 'orderId', NEW.order_id, 'provider', NEW.provider, 'reference', NEW.reference, 'kind', NEW.kind, 'ours', NEW.ours, 'theirs', NEW.theirs, 'text', NEW.sentence, 'createdAt', NEW.created_at, 'resolvedAt', NEW.resolved_at, 'resolvedBy', NEW.resolved_by, 'note', NEW.note) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER mismatches_raised AFTER INSERT ON payment_mismatches FOR EACH ROW EXECUTE FUNCTION mismatches_raised()

ALTER TABLE payment_mismatches ENABLE ALWAYS TRIGGER mismatches_raised

CREATE FUNCTION mismatches_resolved() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('payment.mismatch', NEW.id, 2, NEW.actor, NULL, NEW.resolved_at, NULL,
      CAST(json_build_object('id', NEW.id, 'orderId', NEW.order_id, 'provider', NEW.provider, 'reference', NEW.reference, 'kind', NEW.kind, 'ours', NEW.ours, 'theirs', NEW.theirs, 'text', NEW.sentence, 'createdAt', NEW.created_at, 'resolvedAt', NEW.resolved_at, 'resolvedBy', NEW.resolved_by, 'note', NEW.note) AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER mismatches_resolved AFTER UPDATE ON payment_mismatches FOR EACH ROW WHEN (OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL) EXECUTE FUNCTION mismatches_resolved()

ALTER TABLE payment_mismatches ENABLE ALWAYS TRIGGER mismatches_resolved

CREATE FUNCTION payments_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'the ledger of payments is only ever added to';
  RETURN OLD;
END
$$

CREATE TRIGGER payments_kept BEFORE DELETE ON payments FOR EACH ROW EXECUTE FUNCTION payments_kept()

ALTER TABLE payments ENABLE ALWAYS TRIGGER payments_kept

CREATE FUNCTION payments_unchanged() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'the ledger of payments is only ever added to';
  RETURN NEW;
END
$$

CREATE TRIGGER payments_unchanged BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION payments_unchanged()

ALTER TABLE payments ENABLE ALWAYS TRIGGER payments_unchanged

CREATE FUNCTION refunds_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'the ledger of payments is only ever added to';
  RETURN OLD;
END
$$

CREATE TRIGGER refunds_kept BEFORE DELETE ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_kept()

ALTER TABLE refunds ENABLE ALWAYS TRIGGER refunds_kept

CREATE FUNCTION refunds_unchanged() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'the ledger of payments is only ever added to';
  RETURN NEW;
END
$$

CREATE TRIGGER refunds_unchanged BEFORE UPDATE ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_unchanged()

ALTER TABLE refunds ENABLE ALWAYS TRIGGER refunds_unchanged

CREATE FUNCTION mirrored_told() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
      CAST(OLD.document AS text), CAST(NEW.document AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER mirrored_told AFTER UPDATE ON mirrored_orders FOR EACH ROW WHEN (NEW.document IS NOT NULL AND OLD.document IS DISTINCT FROM NEW.document) EXECUTE FUNCTION mirrored_told()

ALTER TABLE mirrored_orders ENABLE ALWAYS TRIGGER mirrored_told

CREATE FUNCTION sources_resynced() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO feed (kind, entity_id, version, actor, reason, at, before, after)
    VALUES ('feed.resync', NEW.name, NEW.resyncs, NEW.name, NULL, NEW.updated_at, NULL, CAST(json_build_object('reason', 'source_history_lost') AS text));
  RETURN NULL;
END
$$

CREATE TRIGGER sources_resynced AFTER UPDATE ON source_positions FOR EACH ROW WHEN (NEW.resyncs > OLD.resyncs) EXECUTE FUNCTION sources_resynced()

ALTER TABLE source_positions ENABLE ALWAYS TRIGGER sources_resynced

CREATE FUNCTION mirrored_orders_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.document AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'document_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER mirrored_orders_content BEFORE INSERT ON mirrored_orders FOR EACH ROW EXECUTE FUNCTION mirrored_orders_content()

ALTER TABLE mirrored_orders ENABLE ALWAYS TRIGGER mirrored_orders_content

CREATE FUNCTION mirrored_orders_content_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.document AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'document_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER mirrored_orders_content_changed BEFORE UPDATE OF document ON mirrored_orders FOR EACH ROW EXECUTE FUNCTION mirrored_orders_content_changed()

ALTER TABLE mirrored_orders ENABLE ALWAYS TRIGGER mirrored_orders_content_changed

CREATE FUNCTION notifications_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.data AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'data_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER notifications_content BEFORE INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION notifications_content()

ALTER TABLE notifications ENABLE ALWAYS TRIGGER notifications_content

CREATE FUNCTION notifications_content_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.data AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'data_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER notifications_content_changed BEFORE UPDATE OF data ON notifications FOR EACH ROW EXECUTE FUNCTION notifications_content_changed()

ALTER TABLE notifications ENABLE ALWAYS TRIGGER notifications_content_changed

CREATE FUNCTION orders_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.billing_info AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'billing_info_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.shipping_info AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'shipping_info_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.cart_items AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'cart_items_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF jsonb_path_exists(NEW.cart_items, 'strict $[*] ? (@.type() != "object")', '{}', true) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'cart_items_has_objects: each item is an object';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.payment_info AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payment_info_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER orders_content BEFORE INSERT ON orders FOR EACH ROW WHEN (substr(NEW.actor, 1, 3) = 'db:') EXECUTE FUNCTION orders_content()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_content

CREATE FUNCTION orders_content_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.billing_info AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'billing_info_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.shipping_info AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'shipping_info_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.cart_items AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'cart_items_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF jsonb_path_exists(NEW.cart_items, 'strict $[*] ? (@.type() != "object")', '{}', true) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'cart_items_has_objects: each item is an object';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.payment_info AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payment_info_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER orders_content_changed BEFORE UPDATE OF billing_info, shipping_info, cart_items, payment_info ON orders FOR EACH ROW WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION orders_content_changed()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_content_changed

CREATE FUNCTION payment_mismatches_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.ours AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'ours_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.theirs AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'theirs_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER payment_mismatches_content BEFORE INSERT ON payment_mismatches FOR EACH ROW EXECUTE FUNCTION payment_mismatches_content()

ALTER TABLE payment_mismatches ENABLE ALWAYS TRIGGER payment_mismatches_content

CREATE FUNCTION payment_mismatches_content_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.ours AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'ours_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.theirs AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'theirs_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER payment_mismatches_content_changed BEFORE UPDATE OF ours, theirs ON payment_mismatches FOR EACH ROW EXECUTE FUNCTION payment_mismatches_content_changed()

ALTER TABLE payment_mismatches ENABLE ALWAYS TRIGGER payment_mismatches_content_changed

CREATE FUNCTION published_events_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.rooms AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'rooms_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.args AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'args_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER published_events_content BEFORE INSERT ON published_events FOR EACH ROW EXECUTE FUNCTION published_events_content()

ALTER TABLE published_events ENABLE ALWAYS TRIGGER published_events_content

CREATE FUNCTION published_events_content_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.rooms AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'rooms_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.args AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'args_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER published_events_content_changed BEFORE UPDATE OF rooms, args ON published_events FOR EACH ROW EXECUTE FUNCTION published_events_content_changed()

ALTER TABLE published_events ENABLE ALWAYS TRIGGER published_events_content_changed

CREATE FUNCTION sandbox_payments_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.asked AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'asked_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER sandbox_payments_content BEFORE INSERT ON sandbox_payments FOR EACH ROW EXECUTE FUNCTION sandbox_payments_content()

ALTER TABLE sandbox_payments ENABLE ALWAYS TRIGGER sandbox_payments_content

CREATE FUNCTION sandbox_payments_content_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.asked AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'asked_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER sandbox_payments_content_changed BEFORE UPDATE OF asked ON sandbox_payments FOR EACH ROW EXECUTE FUNCTION sandbox_payments_content_changed()

ALTER TABLE sandbox_payments ENABLE ALWAYS TRIGGER sandbox_payments_content_changed

CREATE FUNCTION shop_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.tax_rates_bp AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'tax_rates_bp_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.delivery_zones AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'delivery_zones_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER shop_content BEFORE INSERT ON shop FOR EACH ROW EXECUTE FUNCTION shop_content()

ALTER TABLE shop ENABLE ALWAYS TRIGGER shop_content

CREATE FUNCTION shop_content_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT ordercast_is_readable(CAST(NEW.tax_rates_bp AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'tax_rates_bp_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  IF NOT ordercast_is_readable(CAST(NEW.delivery_zones AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'delivery_zones_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER shop_content_changed BEFORE UPDATE OF tax_rates_bp, delivery_zones ON shop FOR EACH ROW EXECUTE FUNCTION shop_content_changed()

ALTER TABLE shop ENABLE ALWAYS TRIGGER shop_content_changed

CREATE FUNCTION shop_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'shop_kept: the rules of the shop are changed by UPDATE, never deleted';
  RETURN OLD;
END
$$

CREATE TRIGGER shop_kept BEFORE DELETE ON shop FOR EACH ROW EXECUTE FUNCTION shop_kept()

ALTER TABLE shop ENABLE ALWAYS TRIGGER shop_kept

CREATE FUNCTION epoch_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'epoch_kept: the epoch names the history that is in this database';
  RETURN OLD;
END
$$

CREATE TRIGGER epoch_kept BEFORE DELETE ON meta FOR EACH ROW WHEN (OLD.name = 'epoch') EXECUTE FUNCTION epoch_kept()

ALTER TABLE meta ENABLE ALWAYS TRIGGER epoch_kept

CREATE FUNCTION epoch_named() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'epoch_kept: the epoch names the history that is in this database';
  RETURN NEW;
END
$$

CREATE TRIGGER epoch_named BEFORE UPDATE ON meta FOR EACH ROW WHEN (OLD.name = 'epoch' AND NEW.name <> 'epoch') EXECUTE FUNCTION epoch_named()

ALTER TABLE meta ENABLE ALWAYS TRIGGER epoch_named

CREATE FUNCTION shop_ruled() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF (SELECT count(*) FROM jsonb_each(NEW.tax_rates_bp) AS m) NOT BETWEEN 1 AND 20
    OR EXISTS (SELECT 1 FROM jsonb_each(NEW.tax_rates_bp) AS m WHERE NOT (m.key ~ '^[a-z][a-z0-9_-]*$' AND length(m.key) <= 32 AND CASE WHEN jsonb_typeof(m.value) = 'number' THEN CAST(m.value AS numeric) BETWEEN 0 AND 10000 AND CAST(m.value AS numeric) % 1 = 0 ELSE FALSE END)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'tax_rates: up to 20 classes in small letters, each of 0 to 10000 basis points';
  END IF;
  IF       (SELECT count(*) FROM jsonb_array_elements(NEW.delivery_zones) AS z) > 200 OR EXISTS (
          SELECT 1 FROM jsonb_array_elements(NEW.delivery_zones) AS z WHERE CASE WHEN jsonb_typeof(z.value) = 'object' THEN NOT (SELECT count(*) FROM jsonb_each(z.value) AS m WHERE m.key = 'fee') = 1 OR EXISTS (SELECT 1 FROM jsonb_each(z.value) AS m WHERE NOT (CASE m.key
  WHEN 'fee' THEN CASE WHEN jsonb_typeof(m.value) = 'number' THEN CAST(m.value AS numeric) BETWEEN 0 AND 10000000000 AND CAST(m.value AS numeric) % 1 = 0 ELSE FALSE END
  WHEN 'freeFrom' THEN jsonb_typeof(m.value) = 'null' OR CASE WHEN jsonb_typeof(m.value) = 'number' THEN CAST(m.value AS numeric) BETWEEN 0 AND 10000000000 AND CAST(m.value AS numeric) % 1 = 0 ELSE FALSE END
  WHEN 'country' THEN jsonb_typeof(m.value) = 'null' OR jsonb_typeof(m.value) = 'string' AND (m.value #>> '{}') ~ '^[A-Z]{2}$'
  WHEN 'postcodes' THEN CASE WHEN jsonb_typeof(m.value) = 'array' THEN
    (SELECT count(*) FROM jsonb_array_elements(m.value) AS p) <= 200 AND NOT EXISTS (
      SELECT 1 FROM jsonb_array_elements(m.value) AS p
      WHERE jsonb_typeof(p.value) <> 'string' OR length((p.value #>> '{}')) NOT BETWEEN 1 AND 20)
    ELSE FALSE END
  ELSE FALSE END)) ELSE TRUE END)
     THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'delivery_zones: up to 200 objects of fee, and perhaps freeFrom, country, postcodes';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER shop_ruled BEFORE INSERT ON shop FOR EACH ROW EXECUTE FUNCTION shop_ruled()

ALTER TABLE shop ENABLE ALWAYS TRIGGER shop_ruled

CREATE FUNCTION shop_ruled_anew() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF (SELECT count(*) FROM jsonb_each(NEW.tax_rates_bp) AS m) NOT BETWEEN 1 AND 20
    OR EXISTS (SELECT 1 FROM jsonb_each(NEW.tax_rates_bp) AS m WHERE NOT (m.key ~ '^[a-z][a-z0-9_-]*$' AND length(m.key) <= 32 AND CASE WHEN jsonb_typeof(m.value) = 'number' THEN CAST(m.value AS numeric) BETWEEN 0 AND 10000 AND CAST(m.value AS numeric) % 1 = 0 ELSE FALSE END)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'tax_rates: up to 20 classes in small letters, each of 0 to 10000 basis points';
  END IF;
  IF       (SELECT count(*) FROM jsonb_array_elements(NEW.delivery_zones) AS z) > 200 OR EXISTS (
          SELECT 1 FROM jsonb_array_elements(NEW.delivery_zones) AS z WHERE CASE WHEN jsonb_typeof(z.value) = 'object' THEN NOT (SELECT count(*) FROM jsonb_each(z.value) AS m WHERE m.key = 'fee') = 1 OR EXISTS (SELECT 1 FROM jsonb_each(z.value) AS m WHERE NOT (CASE m.key
  WHEN 'fee' THEN CASE WHEN jsonb_typeof(m.value) = 'number' THEN CAST(m.value AS numeric) BETWEEN 0 AND 10000000000 AND CAST(m.value AS numeric) % 1 = 0 ELSE FALSE END
  WHEN 'freeFrom' THEN jsonb_typeof(m.value) = 'null' OR CASE WHEN jsonb_typeof(m.value) = 'number' THEN CAST(m.value AS numeric) BETWEEN 0 AND 10000000000 AND CAST(m.value AS numeric) % 1 = 0 ELSE FALSE END
  WHEN 'country' THEN jsonb_typeof(m.value) = 'null' OR jsonb_typeof(m.value) = 'string' AND (m.value #>> '{}') ~ '^[A-Z]{2}$'
  WHEN 'postcodes' THEN CASE WHEN jsonb_typeof(m.value) = 'array' THEN
    (SELECT count(*) FROM jsonb_array_elements(m.value) AS p) <= 200 AND NOT EXISTS (
      SELECT 1 FROM jsonb_array_elements(m.value) AS p
      WHERE jsonb_typeof(p.value) <> 'string' OR length((p.value #>> '{}')) NOT BETWEEN 1 AND 20)
    ELSE FALSE END
  ELSE FALSE END)) ELSE TRUE END)
     THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'delivery_zones: up to 200 objects of fee, and perhaps freeFrom, country, postcodes';
  END IF;
  RETURN NEW;
END
$$

CREATE TRIGGER shop_ruled_anew BEFORE UPDATE OF tax_rates_bp, delivery_zones ON shop FOR EACH ROW EXECUTE FUNCTION shop_ruled_anew()

ALTER TABLE shop ENABLE ALWAYS TRIGGER shop_ruled_anew

CREATE FUNCTION meta_feed_newest() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF CAST(NEW.value AS bigint) NOT BETWEEN CAST(OLD.value AS bigint) AND CAST(OLD.value AS bigint) + 1000000 THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'feed_newest: the newest number of the feed never falls, and rises by 1000000 at most';
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER meta_feed_newest AFTER UPDATE ON meta FOR EACH ROW WHEN (NEW.name = 'feed_newest' AND OLD.name = 'feed_newest') EXECUTE FUNCTION meta_feed_newest()

ALTER TABLE meta ENABLE ALWAYS TRIGGER meta_feed_newest

CREATE FUNCTION meta_feed_newest_begun() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF CAST(NEW.value AS bigint) NOT BETWEEN coalesce((SELECT max(seq) FROM feed), 0) AND coalesce((SELECT max(seq) FROM feed), 0) + 1000000 THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'feed_newest: the newest number of the feed never falls, and rises by 1000000 at most';
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER meta_feed_newest_begun AFTER INSERT ON meta FOR EACH ROW WHEN (NEW.name = 'feed_newest') EXECUTE FUNCTION meta_feed_newest_begun()

ALTER TABLE meta ENABLE ALWAYS TRIGGER meta_feed_newest_begun

CREATE FUNCTION feed_written_by_hand() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT (octet_length(NEW.kind) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'kind_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.entity_id) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'entity_id_is_line: a line is wanted';
  END IF;
  IF NOT (NEW.version BETWEEN 0 AND 9007199254740991) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'version_is_version: a version is wanted';
  END IF;
  IF NOT (octet_length(NEW.actor) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'actor_is_line: a line is wanted';
  END IF;
  IF NOT (octet_length(NEW.reason) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'reason_is_line: a line is wanted';
  END IF;
  IF NOT (translate(NEW.at, '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00Z') AND substr(NEW.at, 12, 2) < '24' AND substr(NEW.at, 18, 2) < '60' AND isfinite(CAST(NEW.at AS timestamptz))) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'at_is_moment: a moment is wanted';
  END IF;
  IF NOT (octet_length(NEW.before) <= 8388608) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'before_is_told: a told is wanted';
  END IF;
  IF NOT (octet_length(NEW.after) <= 8388608) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'after_is_told: a told is wanted';
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER feed_written_by_hand AFTER INSERT ON feed FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION feed_written_by_hand()

ALTER TABLE feed ENABLE ALWAYS TRIGGER feed_written_by_hand

CREATE FUNCTION feed_edited_by_hand() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT (octet_length(NEW.kind) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'kind_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.entity_id) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'entity_id_is_line: a line is wanted';
  END IF;
  IF NOT (NEW.version BETWEEN 0 AND 9007199254740991) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'version_is_version: a version is wanted';
  END IF;
  IF NOT (octet_length(NEW.actor) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'actor_is_line: a line is wanted';
  END IF;
  IF NOT (octet_length(NEW.reason) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'reason_is_line: a line is wanted';
  END IF;
  IF NOT (translate(NEW.at, '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00Z') AND substr(NEW.at, 12, 2) < '24' AND substr(NEW.at, 18, 2) < '60' AND isfinite(CAST(NEW.at AS timestamptz))) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'at_is_moment: a moment is wanted';
  END IF;
  IF NOT (octet_length(NEW.before) <= 8388608) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'before_is_told: a told is wanted';
  END IF;
  IF NOT (octet_length(NEW.after) <= 8388608) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'after_is_told: a told is wanted';
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER feed_edited_by_hand AFTER UPDATE OF kind, entity_id, version, actor, reason, at, before, after ON feed FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION feed_edited_by_hand()

ALTER TABLE feed ENABLE ALWAYS TRIGGER feed_edited_by_hand

CREATE FUNCTION order_history_written_by_hand() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT (octet_length(NEW.order_id) BETWEEN 1 AND 1020) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_id_is_id: a id is wanted';
  END IF;
  IF NOT (NEW.version BETWEEN 0 AND 9007199254740991) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'version_is_version: a version is wanted';
  END IF;
  IF NOT (octet_length(NEW.from_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'from_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.to_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'to_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.from_payment_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'from_payment_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.to_payment_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'to_payment_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.actor) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'actor_is_line: a line is wanted';
  END IF;
  IF NOT (octet_length(NEW.reason) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'reason_is_line: a line is wanted';
  END IF;
  IF NOT (translate(NEW.at, '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00Z') AND substr(NEW.at, 12, 2) < '24' AND substr(NEW.at, 18, 2) < '60' AND isfinite(CAST(NEW.at AS timestamptz))) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'at_is_moment: a moment is wanted';
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER order_history_written_by_hand AFTER INSERT ON order_history FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION order_history_written_by_hand()

ALTER TABLE order_history ENABLE ALWAYS TRIGGER order_history_written_by_hand

CREATE FUNCTION order_history_edited_by_hand() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT (octet_length(NEW.order_id) BETWEEN 1 AND 1020) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_id_is_id: a id is wanted';
  END IF;
  IF NOT (NEW.version BETWEEN 0 AND 9007199254740991) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'version_is_version: a version is wanted';
  END IF;
  IF NOT (octet_length(NEW.from_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'from_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.to_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'to_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.from_payment_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'from_payment_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.to_payment_status) <= 64) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'to_payment_status_is_word: a word is wanted';
  END IF;
  IF NOT (octet_length(NEW.actor) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'actor_is_line: a line is wanted';
  END IF;
  IF NOT (octet_length(NEW.reason) <= 2048) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'reason_is_line: a line is wanted';
  END IF;
  IF NOT (translate(NEW.at, '123456789', '000000000') IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00Z') AND substr(NEW.at, 12, 2) < '24' AND substr(NEW.at, 18, 2) < '60' AND isfinite(CAST(NEW.at AS timestamptz))) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'at_is_moment: a moment is wanted';
  END IF;
  RETURN NULL;
END
$$

CREATE TRIGGER order_history_edited_by_hand AFTER UPDATE OF order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor, reason, at ON order_history FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION order_history_edited_by_hand()

ALTER TABLE order_history ENABLE ALWAYS TRIGGER order_history_edited_by_hand

CREATE FUNCTION feed_written() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM pg_notify('ordercast_raw', '');
  RETURN NULL;
END
$$

CREATE TRIGGER feed_written AFTER INSERT ON feed FOR EACH STATEMENT EXECUTE FUNCTION feed_written()

ALTER TABLE feed ENABLE ALWAYS TRIGGER feed_written

CREATE FUNCTION feed_numbered_late() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  NEW.seq := NULL;
  RETURN NEW;
END
$$

CREATE TRIGGER feed_numbered_late BEFORE INSERT ON feed FOR EACH ROW WHEN (NEW.seq IS NOT NULL) EXECUTE FUNCTION feed_numbered_late()

ALTER TABLE feed ENABLE ALWAYS TRIGGER feed_numbered_late

CREATE FUNCTION feed_numbers_stay() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'feed: a number that was given stays';
  RETURN NULL;
END
$$

CREATE TRIGGER feed_numbers_stay AFTER UPDATE OF seq ON feed FOR EACH ROW WHEN (OLD.seq IS NOT NULL AND NEW.seq IS DISTINCT FROM OLD.seq) EXECUTE FUNCTION feed_numbers_stay()

ALTER TABLE feed ENABLE ALWAYS TRIGGER feed_numbers_stay

CREATE FUNCTION feed_untold_stays() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'feed: what has no number yet was not told, and stays';
  RETURN NULL;
END
$$

CREATE TRIGGER feed_untold_stays AFTER DELETE ON feed FOR EACH ROW WHEN (OLD.seq IS NULL) EXECUTE FUNCTION feed_untold_stays()

ALTER TABLE feed ENABLE ALWAYS TRIGGER feed_untold_stays

CREATE FUNCTION accounts_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'accounts: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER accounts_not_emptied BEFORE TRUNCATE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION accounts_not_emptied()

ALTER TABLE accounts ENABLE ALWAYS TRIGGER accounts_not_emptied

CREATE FUNCTION customers_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'customers: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER customers_not_emptied BEFORE TRUNCATE ON customers FOR EACH STATEMENT EXECUTE FUNCTION customers_not_emptied()

ALTER TABLE customers ENABLE ALWAYS TRIGGER customers_not_emptied

CREATE FUNCTION deliveries_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'deliveries: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER deliveries_not_emptied BEFORE TRUNCATE ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION deliveries_not_emptied()

ALTER TABLE deliveries ENABLE ALWAYS TRIGGER deliveries_not_emptied

CREATE FUNCTION delivery_proofs_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'delivery_proofs: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER delivery_proofs_not_emptied BEFORE TRUNCATE ON delivery_proofs FOR EACH STATEMENT EXECUTE FUNCTION delivery_proofs_not_emptied()

ALTER TABLE delivery_proofs ENABLE ALWAYS TRIGGER delivery_proofs_not_emptied

CREATE FUNCTION erasures_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'erasures: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER erasures_not_emptied BEFORE TRUNCATE ON erasures FOR EACH STATEMENT EXECUTE FUNCTION erasures_not_emptied()

ALTER TABLE erasures ENABLE ALWAYS TRIGGER erasures_not_emptied

CREATE FUNCTION feed_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'feed: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER feed_not_emptied BEFORE TRUNCATE ON feed FOR EACH STATEMENT EXECUTE FUNCTION feed_not_emptied()

ALTER TABLE feed ENABLE ALWAYS TRIGGER feed_not_emptied

CREATE FUNCTION meta_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'meta: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER meta_not_emptied BEFORE TRUNCATE ON meta FOR EACH STATEMENT EXECUTE FUNCTION meta_not_emptied()

ALTER TABLE meta ENABLE ALWAYS TRIGGER meta_not_emptied

CREATE FUNCTION mirrored_orders_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'mirrored_orders: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER mirrored_orders_not_emptied BEFORE TRUNCATE ON mirrored_orders FOR EACH STATEMENT EXECUTE FUNCTION mirrored_orders_not_emptied()

ALTER TABLE mirrored_orders ENABLE ALWAYS TRIGGER mirrored_orders_not_emptied

CREATE FUNCTION notification_marks_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'notification_marks: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER notification_marks_not_emptied BEFORE TRUNCATE ON notification_marks FOR EACH STATEMENT EXECUTE FUNCTION notification_marks_not_emptied()

ALTER TABLE notification_marks ENABLE ALWAYS TRIGGER notification_marks_not_emptied

CREATE FUNCTION notifications_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'notifications: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER notifications_not_emptied BEFORE TRUNCATE ON notifications FOR EACH STATEMENT EXECUTE FUNCTION notifications_not_emptied()

ALTER TABLE notifications ENABLE ALWAYS TRIGGER notifications_not_emptied

CREATE FUNCTION order_history_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_history: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER order_history_not_emptied BEFORE TRUNCATE ON order_history FOR EACH STATEMENT EXECUTE FUNCTION order_history_not_emptied()

ALTER TABLE order_history ENABLE ALWAYS TRIGGER order_history_not_emptied

CREATE FUNCTION order_lines_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'order_lines: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER order_lines_not_emptied BEFORE TRUNCATE ON order_lines FOR EACH STATEMENT EXECUTE FUNCTION order_lines_not_emptied()

ALTER TABLE order_lines ENABLE ALWAYS TRIGGER order_lines_not_emptied

CREATE FUNCTION orders_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'orders: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER orders_not_emptied BEFORE TRUNCATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION orders_not_emptied()

ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_not_emptied

CREATE FUNCTION payment_disputes_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payment_disputes: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER payment_disputes_not_emptied BEFORE TRUNCATE ON payment_disputes FOR EACH STATEMENT EXECUTE FUNCTION payment_disputes_not_emptied()

ALTER TABLE payment_disputes ENABLE ALWAYS TRIGGER payment_disputes_not_emptied

CREATE FUNCTION payment_events_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payment_events: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER payment_events_not_emptied BEFORE TRUNCATE ON payment_events FOR EACH STATEMENT EXECUTE FUNCTION payment_events_not_emptied()

ALTER TABLE payment_events ENABLE ALWAYS TRIGGER payment_events_not_emptied

CREATE FUNCTION payment_methods_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payment_methods: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER payment_methods_not_emptied BEFORE TRUNCATE ON payment_methods FOR EACH STATEMENT EXECUTE FUNCTION payment_methods_not_emptied()

ALTER TABLE payment_methods ENABLE ALWAYS TRIGGER payment_methods_not_emptied

CREATE FUNCTION payment_mismatches_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payment_mismatches: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER payment_mismatches_not_emptied BEFORE TRUNCATE ON payment_mismatches FOR EACH STATEMENT EXECUTE FUNCTION payment_mismatches_not_emptied()

ALTER TABLE payment_mismatches ENABLE ALWAYS TRIGGER payment_mismatches_not_emptied

CREATE FUNCTION payment_tasks_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payment_tasks: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER payment_tasks_not_emptied BEFORE TRUNCATE ON payment_tasks FOR EACH STATEMENT EXECUTE FUNCTION payment_tasks_not_emptied()

ALTER TABLE payment_tasks ENABLE ALWAYS TRIGGER payment_tasks_not_emptied

CREATE FUNCTION payments_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'payments: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER payments_not_emptied BEFORE TRUNCATE ON payments FOR EACH STATEMENT EXECUTE FUNCTION payments_not_emptied()

ALTER TABLE payments ENABLE ALWAYS TRIGGER payments_not_emptied

CREATE FUNCTION product_history_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'product_history: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER product_history_not_emptied BEFORE TRUNCATE ON product_history FOR EACH STATEMENT EXECUTE FUNCTION product_history_not_emptied()

ALTER TABLE product_history ENABLE ALWAYS TRIGGER product_history_not_emptied

CREATE FUNCTION products_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'products: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER products_not_emptied BEFORE TRUNCATE ON products FOR EACH STATEMENT EXECUTE FUNCTION products_not_emptied()

ALTER TABLE products ENABLE ALWAYS TRIGGER products_not_emptied

CREATE FUNCTION promotions_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'promotions: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER promotions_not_emptied BEFORE TRUNCATE ON promotions FOR EACH STATEMENT EXECUTE FUNCTION promotions_not_emptied()

ALTER TABLE promotions ENABLE ALWAYS TRIGGER promotions_not_emptied

CREATE FUNCTION published_events_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'published_events: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER published_events_not_emptied BEFORE TRUNCATE ON published_events FOR EACH STATEMENT EXECUTE FUNCTION published_events_not_emptied()

ALTER TABLE published_events ENABLE ALWAYS TRIGGER published_events_not_emptied

CREATE FUNCTION refunds_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'refunds: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER refunds_not_emptied BEFORE TRUNCATE ON refunds FOR EACH STATEMENT EXECUTE FUNCTION refunds_not_emptied()

ALTER TABLE refunds ENABLE ALWAYS TRIGGER refunds_not_emptied

CREATE FUNCTION revocations_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'revocations: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER revocations_not_emptied BEFORE TRUNCATE ON revocations FOR EACH STATEMENT EXECUTE FUNCTION revocations_not_emptied()

ALTER TABLE revocations ENABLE ALWAYS TRIGGER revocations_not_emptied

CREATE FUNCTION shop_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'shop: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER shop_not_emptied BEFORE TRUNCATE ON shop FOR EACH STATEMENT EXECUTE FUNCTION shop_not_emptied()

ALTER TABLE shop ENABLE ALWAYS TRIGGER shop_not_emptied

CREATE FUNCTION source_positions_not_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'source_positions: is never emptied by TRUNCATE, which nobody would hear of';
  RETURN NULL;
END
$$

CREATE TRIGGER source_positions_not_emptied BEFORE TRUNCATE ON source_positions FOR EACH STATEMENT EXECUTE FUNCTION source_positions_not_emptied()

ALTER TABLE source_positions ENABLE ALWAYS TRIGGER source_positions_not_emptied

ALTER SEQUENCE orders_number_seq RESTART WITH 1001

INSERT INTO shop (id) VALUES (1)

INSERT INTO meta (name, value) VALUES ('epoch', right(replace(gen_random_uuid()::text, '-', ''), 16))
