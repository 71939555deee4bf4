"""What another program may put into any column of any table, and what either database refuses, tried with SQL alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import psycopg
import pytest
from sqlalchemy import Column, Float, Table

from ordercast.commerce.money import AMOUNT_MAX
from ordercast.commerce.shop import DeliveryZone
from ordercast.db import columns as columns_of_tables
from ordercast.db import content
from ordercast.db.ddl import COLUMN, metadata
from ordercast.db.dialects import SQLITE
from ordercast.db.domains import (
    COUNT_MAX,
    DOCUMENT_BYTES_MAX,
    FOREIGN_BYTES_MAX,
    TEXT_BYTES_MAX,
    TOLD_BYTES_MAX,
    VERSION_MAX,
    Kind,
)
from ordercast.db.events import BOOKING_EVENTS, RESERVED_EVENTS
from ordercast.db.nouns import TABLES

from .programs import Program

REFUSALS: Final = (
    sqlite3.IntegrityError,
    psycopg.IntegrityError,
    psycopg.DataError,
    psycopg.errors.ProgramLimitExceeded,
)
# One more than a document may have.
LONG: Final = "x" * (DOCUMENT_BYTES_MAX + 1)
# What a kind of text may have, where it is more than that of a description.
BYTES_MAX: Final = {"told": TOLD_BYTES_MAX, "foreign": FOREIGN_BYTES_MAX}
HALF: Final = '{"a":"\\ud83d"}'
DEEP: Final = '{"a":' * 200 + "1" + "}" * 200

# A row that is taken, where a value of the column's domain is not enough.
VALID: Final[dict[str, Any]] = {
    "accounts.role": "admin",
    "contact_points.way": "push",
    "conversations.about": "customer",
    "booking_history.from_starts_at": None,
    "bookings.ends_at": "2026-01-01T11:00:00.000Z",
    "bookings.payment_status": "unpaid",
    "bookings.status": "requested",
    "bookings.version": 1,
    "deliveries.stage": "pending",
    "delivery_proofs.kind": "note",
    "feed.kind": "order.changed",
    "mails.kind": "verify",
    "mails.language": "en",
    "mails.state": "due",
    "messages.participant": "store",
    "meta.name": "anything",
    "notice_escalations.step": "board",
    "notices.opened_at": None,
    "notices.opened_by": None,
    "notices.received_at": None,
    "notices.received_by": None,
    "notification_tasks.state": "due",
    "notification_tasks.way": "push",
    "notifications.kind": "assigned",
    "notifications.severity": "info",
    "orders.fulfilment": "delivery",
    "orders.held_from": None,
    "orders.payment_status": "unpaid",
    "orders.promo_code": None,
    "orders.status": "pending",
    "orders.version": 1,
    "payment_disputes.state": "open",
    "payment_mismatches.kind": "captured",
    "payment_mismatches.resolved_at": None,
    "payment_mismatches.resolved_by": None,
    "payment_tasks.kind": "refund",
    "payment_tasks.state": "due",
    "payment_webhooks.state": "due",
    "payments.kind": "captured",
    "promotions.code": "TEN",
    "promotions.ends_at": None,
    "promotions.kind": "amount",
    "refunds.state": "succeeded",
    "services.duration_minutes": 60,
    "services.slot_minutes": 30,
    "shop.id": 1,
    "shop.rounding": "half_up",
    "webhook_deliveries.state": "pending",
    "webhook_endpoints.disabled_by": "admin",
}
OF_DOMAIN: Final[dict[str, Any]] = {
    "array": "[]",
    "currency": "BDT",
    "digest": b"x",
    "identity": b"x",
    "moment": "2026-01-01T10:00:00.000Z",
    "object": "{}",
}  # fmt: skip
HOSTILE: Final[dict[str, list[Any]]] = {
    "array": ["{}", "5", "[", '[{"a":[1e400]}]', '[{"a":"\\udc00"}]', '["' + LONG + '"]'],
    "count": [-1 - COUNT_MAX, COUNT_MAX + 1, 2**63 - 1, "abc"],
    "currency": ["", "taka", "bdt", "BD", LONG],
    "digest": [LONG.encode()],
    "identity": [LONG.encode()],
    "moment": [
        "", "now", "yesterday", "2026-01-01", "2026-02-31T10:00:00.000Z", "2026-13-01T10:00:00.000Z",
        "2026-01-01T24:00:00.000Z", "2026-01-01T10:00:60Z", "2026-01-01T10:00:00+06:00", "2026-01-01 10:00:00", LONG,
    ],
    "object": ["[]", "5", "{", '{"a":[1e400]}', HALF, DEEP, '{"a":"' + LONG + '"}'],
    "version": [-1, VERSION_MAX + 1, 2**63 - 1, "abc"],
}  # fmt: skip
# What a column of whole numbers keeps in SQLite where no rule says otherwise; PostgreSQL makes whole numbers of them.
BROKEN: Final = [12.99, float("inf"), b"x"]
DAMAGED: Final = [b"Jos\xe9", b"Jos\xe9 and", b"\x80", b"\xe2\x82", b"\xc0\xaf", b"\xed\xa0\x80", b"\xff", b"a\x00b"]


@pytest.fixture
def shop(program: Program) -> Iterator[Program]:
    with program.rolled_back():
        program.do("DELETE FROM order_lines")
        yield program


BY_NAME: Final = {table.name: table for table in TABLES}


def columns() -> list[Column[Any]]:
    return [column for table in metadata.sorted_tables for column in table.columns]


def ours(column: Column[Any]) -> columns_of_tables.Column:
    made: columns_of_tables.Column = column.info[COLUMN]
    return made


def is_number_of_row(column: Column[Any]) -> bool:
    """Given by the database itself, or by nobody."""
    is_key = column.primary_key and column.name in {"entry", "number", "seq"}
    return is_key or str(column) in {"notifications.written_in", "shop.id"}


def hostile(column: Column[Any], shop: Program) -> list[Any]:
    """Values that would harm others than the row that holds them."""
    domain = ours(column).domain
    if ours(column).is_amount:
        values: list[Any] = [-1, AMOUNT_MAX + 1, 2**63 - 1, "abc"]
    elif isinstance(column.type, Float):
        values = [float("inf"), float("-inf"), 1e300, "abc"]
    elif ours(column).kind is Kind.JSON_AS_SENT:
        values = ["{}", "5", "[1e400]", '["\\ud83d"]', "[" * 200 + "]" * 200, '["' + LONG + '"]']
    elif ours(column).kind is Kind.JSON:
        values = ["[1e400]", HALF, "[", '"' + LONG + '"']
    elif domain is not None:
        values = HOSTILE.get(domain.name, ["x" * (BYTES_MAX.get(domain.name, TEXT_BYTES_MAX) + 1)])
    else:
        values = [2**63 - 1, "abc"]  # a flag, or a number with a rule of its own
    is_whole = (domain is None and not isinstance(column.type, Float)) or (domain and domain.base == "BIGINT")
    is_json = ours(column).kind is Kind.JSON_AS_SENT or ours(column).kind is Kind.JSON
    return [*values, *(BROKEN if shop.dialect is SQLITE and is_whole and not is_json else [])]


def valid(column: Column[Any]) -> Any:
    name = str(column)
    if name in VALID:
        return VALID[name]
    domain = ours(column).domain
    if domain is None or domain.base == "BIGINT":
        return "[]" if ours(column).kind is Kind.JSON_AS_SENT else None if column.nullable else 1
    return OF_DOMAIN.get(domain.name, "x")


def insert(
    shop: Program, table: Table, column: Column[Any] | None = None, value: Any = None, *, raw: bool = False
) -> None:
    row = {each.name: valid(each) for each in table.columns if not is_number_of_row(each)}
    if table.name in {"messages", "conversation_participants"}:
        shop.do(
            "INSERT INTO conversations (id, about, subject_id) VALUES ('x', 'customer', 'x') ON CONFLICT DO NOTHING"
        )
    if table.name == "orders":
        row |= dict.fromkeys(("subtotal", "captured", "refunded", "refunding"), 0)
        del row["actor"]  # whoever names no actor is another program
    if table.name == "bookings":
        row |= dict.fromkeys(("captured", "refunded", "refunding"), 0)
    if column is not None:
        row[column.name] = value
    marks = ["CAST(? AS TEXT)" if raw and column is not None and name == column.name else "?" for name in row]
    names = ", ".join(f'"{name}"' for name in row)
    shop.do(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join(marks)})", list(row.values()))


def refused(shop: Program, table: Table, column: Column[Any], value: Any, *, raw: bool = False) -> str:
    """The sentence with which it is; empty where it is taken."""
    try:
        insert(shop, table, column, value, raw=raw)
    except REFUSALS as error:
        return str(error)
    return ""


def tables() -> list[Table]:
    # The shop has its row already, and what it takes is tried by UPDATE.
    return [table for table in metadata.sorted_tables if table.name not in {"shop", "order_lines", "sign_ins"}]


@pytest.mark.parametrize("table", tables(), ids=str)
def test_a_row_of_any_table_is_taken(shop: Program, table: Table) -> None:
    insert(shop, table)


@pytest.mark.parametrize("table", tables(), ids=str)
def test_a_value_that_harms_others_is_refused_in_every_column(shop: Program, table: Table) -> None:
    for column in table.columns:
        if is_number_of_row(column):
            continue
        values = hostile(column, shop)
        assert values, f"{column} has no rule"
        for value in values:
            shop.do("SAVEPOINT attempt")
            refusal = refused(shop, table, column, value)
            assert refusal, f"{column} took {str(value)[:60]!r}"
            shop.do("ROLLBACK TO attempt")


@pytest.mark.parametrize("assignment", [
    "tax_rates_bp = '[]'", "tax_rates_bp = '{\"a\":1e400}'", "delivery_fee = 9223372036854775807", "currency = 'taka'",
    "delivery_zones = '[5]'", "delivery_zones = '{}'", "free_delivery_from = -1", "version = 9223372036854775807",
    "updated_at = 'now'", "rounding = 'up'", "id = 2",
])  # fmt: skip
def test_the_shops_row_takes_nothing_that_no_order_could_be_priced_by(shop: Program, assignment: str) -> None:
    with shop.refused(".", Exception):
        shop.do(f"UPDATE shop SET {assignment}")


@pytest.mark.parametrize("damaged", DAMAGED, ids=repr)
def test_what_is_no_utf8_is_refused_in_every_text_that_is_looked_at(sqlite_program: Program, damaged: bytes) -> None:
    with sqlite_program.rolled_back():
        for table in tables():
            if table.name in content._NOT_LOOKED_AT:
                continue
            for name in content._texts(BY_NAME[table.name]):
                sqlite_program.do("SAVEPOINT attempt")
                refusal = refused(sqlite_program, table, table.c[name], damaged, raw=True)
                assert refusal, f"{table.name}.{name} took {damaged!r}"
                sqlite_program.do("ROLLBACK TO attempt")


@pytest.mark.parametrize("damaged", DAMAGED, ids=repr)
@pytest.mark.parametrize("column", ["customer_name", "customer_email", "billing_info"])
def test_an_update_of_an_order_is_looked_at_too(sqlite_program: Program, column: str, damaged: bytes) -> None:
    with sqlite_program.rolled_back():
        sqlite_program.do("INSERT INTO orders (id) VALUES ('ord_1')")
        value = b'{"a":"' + damaged + b'"}' if column == "billing_info" else damaged
        with sqlite_program.refused("_is_utf8|_is_json|_is_object|_is_readable"):
            sqlite_program.do(f"UPDATE orders SET {column} = CAST(? AS TEXT)", [value])


def test_a_refusal_names_the_column_and_leaves_nothing_behind(sqlite_program: Program) -> None:
    with sqlite_program.rolled_back():
        with sqlite_program.refused("^name_is_utf8: a text is UTF-8"):
            sqlite_program.do(
                "INSERT INTO customers (id, name, email) VALUES ('cus_1', CAST(? AS TEXT), 'a@b')", [b"\xff"]
            )
        with sqlite_program.refused("^billing_info_is_readable: JSON of numbers"):
            sqlite_program.do("INSERT INTO orders (billing_info) VALUES (?)", [HALF])
        assert sqlite_program.do("SELECT count(*) FROM invalid_values") == [(0,)]


def test_an_invalid_value_kept_by_hand_refuses_nobodys_row(sqlite_program: Program) -> None:
    with sqlite_program.rolled_back():
        sqlite_program.do("INSERT INTO invalid_values VALUES ('name_is_utf8', CAST(? AS TEXT))", [b"\xff"])
        assert sqlite_program.do("SELECT count(*) FROM invalid_values") == [(1,)]
        for number, name in enumerate(["Asha", "আশা"]):
            row = [f"cus_{number}", name, f"{number}@example.com"]
            sqlite_program.do("INSERT INTO customers (id, name, email) VALUES (?, ?, ?)", row)


def test_every_connection_has_little_to_read_of_the_triggers(sqlite_program: Program) -> None:
    """SQLite parses all of their text for each connection: 300 kB are 4 MB and 7 ms."""
    ((size,),) = sqlite_program.do("SELECT sum(length(sql)) FROM sqlite_master WHERE type = 'trigger'")
    assert size < 300_000


# --- Numbers that the database gives ----------------------------------------------------------------------------------


def numbered() -> list[Table]:
    return [
        table
        for table in tables()
        if any(column.name in {"entry", "number", "seq"} and column.primary_key for column in table.columns)
        and table.name not in {"order_history", "product_history"}
    ]


@pytest.mark.parametrize("table", numbered(), ids=str)
def test_a_number_by_hand_uses_up_none_that_others_are_given(shop: Program, table: Table) -> None:
    """SQLite gives none behind the largest of all, and then nobody can insert anything any more."""
    if table.name == "feed" and shop.dialect is not SQLITE:
        pytest.skip("the sequencer alone gives these numbers: see test_postgresql_triggers")
    (key,) = table.primary_key.columns
    if table.name in {"orders", "bookings"} and shop.dialect is not SQLITE:
        pytest.skip("one may have a number of its own there: see test_postgresql")
    sentence = "ahead of the newest|cannot insert a non-DEFAULT|_positive"
    for given in (2**63 - 1, 2**53, -1, -5):
        with shop.refused(sentence, Exception):
            insert(shop, table, key, given)
    insert(shop, table)
    with shop.refused("that was given stays|can only be updated to DEFAULT|keeps its id and number", Exception):
        shop.do(f"UPDATE {table.name} SET {key.name} = {2**63 - 1}")


def test_what_is_there_once_is_never_deleted(shop: Program) -> None:
    for statement in ("DELETE FROM shop", "DELETE FROM meta", "DELETE FROM meta WHERE name = 'epoch'"):
        with shop.refused("shop_kept|epoch_kept", Exception):
            shop.do(statement)


def test_every_script_and_any_length_is_utf8(sqlite_program: Program) -> None:
    with sqlite_program.rolled_back():
        texts = ["আশা রহমান", "Zoë", "🛵" * 400, "\ufffd", "\U0010ffff", "é" * 15, "é" * 16, "é" * 17]
        for number, text in enumerate(texts):
            sqlite_program.do("INSERT INTO orders (id, customer_name) VALUES (?, ?)", [f"ord_{number}", text])
        sqlite_program.do("INSERT INTO orders (billing_info) VALUES (?)", ['{"name":"' + "চা " * 60_000 + '"}'])


# --- Events of ours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
def test_what_the_shop_itself_tells_no_other_program_publishes(shop: Program, name: str) -> None:
    with shop.refused("event_not_reserved"):
        shop.do("INSERT INTO published_events (event) VALUES (?)", [name])


@pytest.mark.parametrize("name", sorted(BOOKING_EVENTS))
def test_a_booking_is_published_with_one_object(shop: Program, name: str) -> None:
    for args in ("[]", "[5]", "[[]]", "[{}, {}]"):
        with shop.refused("booking_is_one_object"):
            shop.do("INSERT INTO published_events (event, args) VALUES (?, ?)", [name, args])
    shop.do("INSERT INTO published_events (event, args) VALUES (?, '[{}]')", [name])


# --- Facts of the database --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [
    "DELETE FROM meta WHERE name = 'epoch'", "UPDATE meta SET name = 'x' WHERE name = 'epoch'",
    "UPDATE meta SET value = '' WHERE name = 'epoch'", "UPDATE meta SET value = 'a:b' WHERE name = 'epoch'",
    "INSERT INTO meta (name, value) VALUES ('feed_newest', 'abc')", "DELETE FROM shop",
    "INSERT INTO meta (name, value) VALUES ('feed_newest', '99999999999999999')",
    "INSERT INTO shop (id) VALUES (2)",
])  # fmt: skip
def test_what_every_node_goes_by_stays_what_it_is(shop: Program, statement: str) -> None:
    with shop.refused("epoch_kept|epoch_is_hex|feed_newest|one_shop|shop_kept"):
        shop.do(statement)


@pytest.mark.parametrize("statement", [
    "INSERT INTO meta (name, value) VALUES ('feed_newest', '9000000000000000')",
    "UPDATE meta SET value = '9000000000000000' WHERE name = 'feed_newest'",
    "UPDATE meta SET value = '1' WHERE name = 'feed_newest'",
])  # fmt: skip
def test_the_sequencers_number_neither_leaps_nor_falls(postgresql_program: Program, statement: str) -> None:
    with postgresql_program.rolled_back():
        if statement.startswith("UPDATE"):
            postgresql_program.do("INSERT INTO meta (name, value) VALUES ('feed_newest', '7')")
        with postgresql_program.refused("feed_newest: the newest number"):
            postgresql_program.do(statement)


@pytest.mark.parametrize("rates", [
    "{}", '{"standard":-1}', '{"standard":10001}', '{"standard":1.5}', '{"standard":"5"}', '{"Standard":5}', '{"":5}',
])  # fmt: skip
def test_tax_rates_by_which_nothing_could_be_priced_are_refused(shop: Program, rates: str) -> None:
    with shop.refused("tax_rates"):
        shop.do("UPDATE shop SET tax_rates_bp = ?", [rates])


@pytest.mark.parametrize("zones", [
    "[{}]", "[5]", '[{"fee":-1}]', '[{"fee":"5"}]', '[{"fee":1.5}]', '[{"fee":5,"odd":1}]',
    '[{"fee":5,"country":"bd"}]', '[{"fee":5,"country":7}]', '[{"fee":5,"postcodes":"1"}]',
    '[{"fee":5,"postcodes":[1]}]', '[{"fee":5,"freeFrom":-1}]',
])  # fmt: skip
def test_zones_by_which_nothing_could_be_priced_are_refused(shop: Program, zones: str) -> None:
    with shop.refused("delivery_zones"):
        shop.do("UPDATE shop SET delivery_zones = ?", [zones])


def test_zones_and_rates_as_the_shop_writes_them_are_taken(shop: Program) -> None:
    zones = [
        DeliveryZone(fee=5, free_from=100, country="BD", postcodes=("12", "13")),
        DeliveryZone(fee=0),
    ]
    shop.do("UPDATE shop SET delivery_zones = ?", [msgspec.json.encode(zones).decode()])
    shop.do("UPDATE shop SET tax_rates_bp = ?", ['{"exempt":0,"reduced_2":500,"standard":10000}'])
