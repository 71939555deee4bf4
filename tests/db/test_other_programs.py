"""What other programs change is told alike in both databases, tried with SQL alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ordercast.db.ddl import metadata
from ordercast.db.dialects import POSTGRESQL, SQLITE, Dialect
from ordercast.db.schema_script import FIRST_ORDER_NUMBER
from ordercast.db.triggers import missing_triggers, triggers
from tests.commerce.ids import is_id

from .programs import PostgresqlProgram, Program, SqliteProgram

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def shop(program: Program) -> Iterator[Program]:
    """All that a test does is rolled back."""
    with program.rolled_back():
        yield program


def kinds(shop: Program) -> list[str]:
    return [kind for kind, *_ in shop.feed()]


# --- One change -------------------------------------------------------------------------------------------------------


def test_an_insert_is_completed_and_told(shop: Program) -> None:
    shop.do("INSERT INTO orders (customer_name, total) VALUES ('Zoe', 500)")
    ((kind, entity, version, actor, reason, before, after),) = shop.feed()
    order = json.loads(after)
    assert (kind, version, actor, reason, before) == ("order.placed", 1, shop.actor, None, None)
    assert is_id(entity, "ord")
    assert (order["id"], order["status"], order["customerInfo"]["name"]) == (entity, "pending", "Zoe")
    assert (order["total"], order["cartItems"], order["pricesIncludeTax"]) == (500, [], False)
    assert order["number"] >= FIRST_ORDER_NUMBER
    ((at, created_at),) = shop.do("SELECT at, created_at FROM feed, orders")
    assert MOMENT.fullmatch(at)
    assert created_at <= at == order["updatedAt"]


@pytest.mark.parametrize("versions_itself", [False, True])
def test_since_when_an_order_is_in_its_status_is_told(shop: Program, versions_itself: bool) -> None:
    shop.do("INSERT INTO orders (id, created_at) VALUES ('ord_1', '2026-01-05T10:00:00.000Z')")
    versioned = ", version = version + 1, updated_at = '2026-01-05T10:05:00.000Z'" if versions_itself else ""
    shop.do(f"UPDATE orders SET status = 'processing'{versioned}")
    shop.do("UPDATE orders SET customer_mobile = '+8801711111111'")
    placed, moved, changed = (json.loads(after) for *_, after in shop.feed())
    assert placed["statusSince"] == placed["createdAt"] == "2026-01-05T10:00:00.000Z"
    assert moved["statusSince"] == moved["updatedAt"] != placed["updatedAt"]
    assert changed["statusSince"] == moved["statusSince"]


def test_a_time_that_another_program_promises_is_told_and_kept(shop: Program) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do("UPDATE orders SET status = 'processing', promised_at = '2026-01-05T10:20:00.000Z'")
    shop.do("UPDATE orders SET promised_at = '2026-01-05T10:40:00.000Z'")
    assert kinds(shop) == ["order.placed", "order.status_changed", "order.changed"]
    told = [json.loads(after)["promisedAt"] for *_, after in shop.feed()]
    assert told == [None, "2026-01-05T10:20:00.000Z", "2026-01-05T10:40:00.000Z"]
    assert [at for (at,) in shop.do("SELECT promised_at FROM order_history ORDER BY entry")] == told


def test_an_update_gets_a_version_and_a_name(shop: Program) -> None:
    shop.do("INSERT INTO orders (id, actor, reason) VALUES ('ord_1', 'store:usr_1', 'by telephone')")
    shop.do("UPDATE orders SET status = 'processing'")
    placed, moved = shop.feed()
    assert placed[:5] == ("order.placed", "ord_1", 1, "store:usr_1", "by telephone")
    assert moved[:5] == ("order.status_changed", "ord_1", 2, shop.actor, None)
    assert [json.loads(document)["status"] for document in moved[5:]] == ["pending", "processing"]
    history = shop.do("SELECT version, from_status, to_status, actor, reason FROM order_history ORDER BY entry")
    assert history == [
        (1, None, "pending", "store:usr_1", "by telephone"), (2, "pending", "processing", shop.actor, None),
    ]  # fmt: skip


def test_a_writer_that_raises_the_version_keeps_its_name(shop: Program) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do(
        "UPDATE orders SET status = 'processing', version = version + 1, actor = 'service:till', reason = 'paid for'"
    )
    assert shop.feed()[1][:5] == ("order.status_changed", "ord_1", 2, "service:till", "paid for")


@pytest.mark.parametrize(
    ("assignment", "kind"),
    [
        ("payment_status = 'paid'", "order.payment_changed"),
        ("total = 500, captured = 500", "order.payment_changed"),
        ("payment_status = 'paid', status = 'processing'", "order.status_changed"),
        ("customer_mobile = '+8801711111111'", "order.changed"),
        ('shipping_info = \'{"line1":"14 Lake Road, 50% off"}\'', "order.changed"),
    ],
)
def test_the_kind_says_what_changed(shop: Program, assignment: str, kind: str) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do(f"UPDATE orders SET {assignment}")
    assert kinds(shop)[1:] == [kind]


def test_an_update_that_changes_nothing_is_not_told(shop: Program) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do("UPDATE orders SET status = status, reason = 'nothing'")
    assert kinds(shop) == ["order.placed"]


def test_each_row_of_one_statement_is_told(shop: Program) -> None:
    shop.do("INSERT INTO orders (id) VALUES ('ord_1'), ('ord_2'), ('ord_3')")
    shop.do("UPDATE orders SET status = 'on_hold', held_from = 'pending'")
    assert kinds(shop) == ["order.placed"] * 3 + ["order.status_changed"] * 3


def test_what_rolled_back_is_not_told(shop: Program) -> None:
    shop.do("SAVEPOINT attempt")
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    shop.do("ROLLBACK TO attempt")
    assert shop.feed() == []


def test_an_order_of_an_importer_has_no_first_state(shop: Program) -> None:
    shop.do("INSERT INTO meta (name, value) VALUES ('importing', 'from the former shop')")
    shop.do("INSERT INTO orders (id, status, created_at) VALUES ('ord_1', 'delivered', '2025-03-01T10:00:00.000Z')")
    assert kinds(shop) == ["order.imported"]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM orders", "an order is cancelled, never deleted"),
        ("UPDATE orders SET id = 'ord_other'", "keeps its id"),
        ("DELETE FROM order_history", "only ever added to"),
        ("UPDATE order_history SET actor = 'nobody'", "only ever added to"),
        ("UPDATE orders SET payment_status = 'pending'", "payment_status_known"),
        ("UPDATE orders SET tax = -1", "tax_not_negative"),
        ("UPDATE orders SET prices_include_tax = 2", "prices_include_tax_is_flag"),
        ("UPDATE orders SET subtotal = 5, total = 6", "order_sums"),
        ("UPDATE orders SET promo_code = 'NONE'", "order_promotion"),
        ("INSERT INTO orders (promo_code) VALUES ('NONE')", "order_promotion: there is no such promotion"),
        ("UPDATE products SET stock = -1", "stock_not_negative"),
        ("UPDATE products SET id = 'prd_2'", "product_sold: a product keeps its id"),
        ("DELETE FROM product_history", "only ever added to"),
        ("INSERT INTO promotions (code, kind, value) VALUES ('ten', 'percent', 1000)", "code_in_capitals"),
        ("INSERT INTO promotions (code, kind, value) VALUES ('TEN', 'percent', 10001)", "value_fits_kind"),
    ],
)
def test_what_cannot_be_is_refused(shop: Program, statement: str, sentence: str) -> None:
    shop.do("INSERT INTO products (id, slug, name, price, stock) VALUES ('prd_1', 'chai', 'Chai', 100, 50)")
    shop.do("INSERT INTO orders (id) VALUES ('ord_1')")
    told = shop.feed()
    with shop.refused(sentence):
        shop.do(statement)
    assert shop.feed() == told


@pytest.mark.parametrize("values", ["('hi', '{}', '[]')", "('hi', '[]', '5')", "('connect', '[]', '[]')"])
def test_an_event_that_could_not_be_told_is_refused(shop: Program, values: str) -> None:
    with shop.refused("rooms_is_array|args_is_array|event_not_reserved"):
        shop.do(f"INSERT INTO published_events (event, rooms, args) VALUES {values}")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO published_events (event, rooms, args) VALUES ('hi', 'x', '[]')",
        "INSERT INTO published_events (event, rooms, args) VALUES ('hi', '[]', '')",
        "INSERT INTO orders (cart_items) VALUES ('[')",
    ],
)
def test_what_is_no_json_is_refused(shop: Program, statement: str) -> None:
    with shop.refused("_is_array|_is_json|invalid input syntax for type json", Exception):
        shop.do(statement)


def test_one_who_changes_a_password_is_signed_out_everywhere(shop: Program) -> None:
    a_hash = "blob" if shop.dialect is SQLITE else "bytea"
    shop.script(
        "INSERT INTO accounts (id, email, name, password_hash, role) VALUES ('usr_1', 'a@b', 'Zoe', 'hash', 'store')",
        "INSERT INTO sign_ins (id, account_id, family_hash, token_hash, expires_at)"
        f" VALUES ('sgn_1', 'usr_1', CAST('a' AS {a_hash}), CAST('b' AS {a_hash}), '2099-01-01T00:00:00Z')",
        "UPDATE accounts SET name = 'Zoe Quinn'",
    )
    assert shop.do("SELECT count(*) FROM sign_ins") == [(1,)]
    shop.do("UPDATE accounts SET password_hash = 'another'")
    assert shop.do("SELECT count(*) FROM sign_ins") == [(0,)]
    shop.do("DELETE FROM accounts WHERE role <> 'admin'")
    assert [(row[0], row[1], row[3], row[4]) for row in shop.feed()] == [
        ("access.revoked", "usr_1", "db:accounts", "The account was changed."),
        ("access.revoked", "usr_1", "db:accounts", "The account was removed."),
    ]


def test_one_statement_tells_of_each_row_that_it_changes(shop: Program) -> None:
    """In the order in which the database comes to them, which is its own affair."""
    shop.do("INSERT INTO orders (id) VALUES ('ord_1'), ('ord_2'), ('ord_3')")
    shop.do("UPDATE orders SET status = 'processing'")
    moved = [row[:3] for row in shop.feed() if row[0] == "order.status_changed"]
    assert sorted(moved) == [("order.status_changed", f"ord_{number}", 2) for number in (1, 2, 3)]


# --- A whole day, told by both ----------------------------------------------------------------------------------------

# No statement changes several rows: each database comes to them in an order of its own, which statistics may change.
DAY = """
INSERT INTO accounts (id, email, name, password_hash, role) VALUES ('drv_1', 'd@x', 'Dee', 'h', 'driver')
INSERT INTO driver_states (driver_id, on_duty, lat, lng, located_at)
 VALUES ('drv_1', 1, 23.75, 90.375, '2026-01-01T10:00:00Z')
INSERT INTO products (id, slug, name, price, stock)
 VALUES ('prd_1', 'chai', 'Chai', 100, 7), ('prd_2', 'cha', 'চা', 5, 3)
INSERT INTO promotions (code, kind, value, uses_max) VALUES ('TEN', 'percent', 1000, 2)
INSERT INTO orders (number, id, customer_id, promo_code) VALUES (1, 'ord_1', 'usr_9', 'TEN')
INSERT INTO order_lines (order_number, position, product_id, quantity) VALUES (1, 0, 'prd_1', 7), (1, 1, 'prd_2', 1)
INSERT INTO orders (number, id, fulfilment, customer_id, total) VALUES (2, 'ord_2', 'pickup', 'usr_8', 250)
UPDATE orders SET status = 'processing' WHERE number = 1
UPDATE orders SET status = 'processing' WHERE number = 2
UPDATE orders SET status = 'ready_for_delivery' WHERE number = 1
UPDATE orders SET status = 'driver_assigned', driver_id = 'drv_1', eta_at = '2026-01-01T10:00:00Z' WHERE number = 1
UPDATE orders SET status = 'picked_up' WHERE number = 1
UPDATE orders SET status = 'in_transit', eta_at = '2026-01-01T10:05:00Z' WHERE number = 1
UPDATE orders SET status = 'delivery_failed' WHERE number = 1
UPDATE orders SET status = 'on_hold', held_from = status WHERE number = 1
UPDATE orders SET status = held_from, held_from = NULL WHERE number = 1
UPDATE orders SET driver_id = 'drv_2' WHERE number = 1
UPDATE orders SET payment_status = 'paid', captured = 250 WHERE number = 2
UPDATE orders SET payment_status = 'disputed' WHERE number = 2
UPDATE orders
 SET status = 'cancelled', version = version + 1, actor = 'customer:usr_8', reason = 'late' WHERE number = 2
INSERT INTO orders (number, id, promo_code, payment_info) VALUES (3, 'ord_3', 'TEN', '{"method":"card"}')
INSERT INTO order_lines (order_number, position, product_id, quantity) VALUES (3, 0, 'prd_2', 2)
UPDATE orders SET status = 'rejected' WHERE number = 3
UPDATE products SET price = 120, name_bn = 'চা' WHERE id = 'prd_1'
UPDATE products SET active = 0 WHERE id = 'prd_2'
INSERT INTO published_events (id, event, rooms, args) VALUES ('evt_1', 'hi', '["a"]', '[1, {"b": null}, "50%"]')
INSERT INTO payment_mismatches (id, payable_id, provider, kind, ours, theirs, sentence)
 VALUES ('pmm_1', 'ord_2', 'sandbox', 'captured', '{"a": 2}', '"none"', 'It differs.')
UPDATE payment_mismatches SET resolved_at = '2026-01-01T10:00:00Z', resolved_by = 'store:usr_1', note = 'seen'
INSERT INTO revocations (name, reason) VALUES ('usr_9', 'lost')
INSERT INTO erasures (id, customer_id) VALUES ('ers_1', 'cus_1')
UPDATE order_history SET actor = 'customer:erased', reason = NULL WHERE actor = 'customer:usr_8'
"""


def statements_of_a_day() -> list[str]:
    return re.split(r"\n(?! )", DAY.strip())


# A sequence of PostgreSQL does not go back with a transaction; who wrote is empty on SQLite.
UNLIKE = {"entry", "written_in"}
ORDERED = {
    "orders": "number",
    "order_lines": "order_number, position",
    "order_history": "entry",
    "products": "id",
    "product_history": "entry",
    "promotions": "code",
    "deliveries": "entry",
    "notifications": "order_id, kind, recipient, data",
    "payment_mismatches": "id",
}


def settled(value: Any, actor: str) -> Any:
    """The value without what each run has anew: moments, ids, and who the program is."""
    if isinstance(value, str) and value[:1] in {"{", "[", '"'}:
        value = json.loads(value)
    if isinstance(value, dict):
        return {key: settled(one, actor) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [settled(one, actor) for one in value]
    if isinstance(value, str) and (MOMENT.fullmatch(value) or is_id(value, "ntf")):
        return "new"
    return "another program" if value == actor else value


def day(shop: Program) -> dict[str, Any]:
    with shop.rolled_back():
        for statement in statements_of_a_day():
            shop.do(statement)
        rows = {table: rows_of(shop, table) for table in ORDERED} | {"feed": shop.feed()}
    return {table: settled(rows[table], shop.actor) for table in rows}


def rows_of(shop: Program, table: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(name for name, _ in metadata.tables[table].columns.items() if name not in UNLIKE)
    return shop.do(f"SELECT {columns} FROM {table} ORDER BY {ORDERED[table]}")


@pytest.fixture(scope="module")
def days(sqlite_program: SqliteProgram, postgresql_program: PostgresqlProgram) -> tuple[dict[str, Any], dict[str, Any]]:
    return day(sqlite_program), day(postgresql_program)


@pytest.mark.parametrize("table", [*ORDERED, "feed"])
def test_a_day_is_written_and_told_alike(days: tuple[dict[str, Any], dict[str, Any]], table: str) -> None:
    in_sqlite, in_postgresql = days
    assert len(in_sqlite[table]) > 0
    assert in_postgresql[table] == in_sqlite[table]


def test_the_orders_own_row_is_the_last_that_its_change_writes(shop: Program) -> None:
    for statement in statements_of_a_day():
        before = len(kinds(shop))
        shop.do(statement)
        if statement.startswith("UPDATE orders"):
            assert kinds(shop)[before:][-1] in {"order.status_changed", "order.payment_changed", "order.changed"}


# --- Ids, and triggers that are there ---------------------------------------------------------------------------------


def test_an_id_that_the_database_makes_is_like_ours(shop: Program) -> None:
    made = [shop.do(f"SELECT {shop.dialect.new_id('ord')}")[0][0] for _ in range(200)]
    assert len(set(made)) == 200
    assert all(is_id(one, "ord") for one in made)


def test_no_trigger_is_missing(shop: Program) -> None:
    connection: Any = shop.connection  # type: ignore[attr-defined]
    assert missing_triggers(connection.execute(shop.dialect.triggers_at_work), shop.dialect) == []


def test_a_dropped_trigger_is_missed(shop: Program) -> None:
    table = "" if shop.dialect is SQLITE else " ON orders"
    shop.do(f"DROP TRIGGER orders_changed{table}")
    connection: Any = shop.connection  # type: ignore[attr-defined]
    assert missing_triggers(connection.execute(shop.dialect.triggers_at_work), shop.dialect) == ["orders_changed"]


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=lambda dialect: dialect.name)
def test_each_trigger_has_a_name_of_its_own(dialect: Dialect) -> None:
    names = [trigger.name for trigger in triggers(dialect)]
    assert len(set(names)) == len(names)
