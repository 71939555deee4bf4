"""Damaged rows are found in every table, named, and mended; a mended database has none."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import SqliteStore, products
from ordercast.db.dialects import POSTGRESQL, SQLITE
from ordercast.db.inspection import RowQuery, tables
from ordercast.db.nouns import TABLES
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.db.repair import RepairOutcome
from ordercast.feed.encoding import check_row
from ordercast.row_inspector import RowInspector, repair_rows
from tests.db.forced import force
from tests.db.shop import STORE, now, place_one
from tests.quick import migrated
from tests.waiting import until

AnyStore = SqliteStore | PostgresqlStore
AT_ONCE = 1e9  # share of the time: there is nobody else
REFUSALS = (sqlite3.Error, psycopg.Error)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return tmp_path / "shop.db"


@pytest.fixture
async def store(place: Path | str) -> AsyncIterator[AnyStore]:
    store: AnyStore = PostgresqlStore(place) if isinstance(place, str) else SqliteStore(migrated(place))
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    yield store
    await store.close()


def damage(place: Path | str, table: str, column: str, value: Any, where: str = "TRUE") -> bool:
    if isinstance(place, str) and (isinstance(value, bytes) or "1e400" in str(value)):
        return False  # it knows no text that is not UTF-8, and all numbers
    slot = "CAST(? AS TEXT)" if isinstance(value, bytes) and isinstance(place, Path) else "?"
    try:
        force(place, table, f"UPDATE {table} SET {column} = {slot} WHERE {where}", [value])
    except REFUSALS:
        return False
    return True


async def found(store: AnyStore, *, dry_run: bool = True) -> list[tuple[str, str, RepairOutcome | None]]:
    return [(row.table, row.name, outcome) async for row, outcome in repair_rows(store, dry_run=dry_run)]


async def test_a_sound_database_has_no_damaged_row(store: AnyStore) -> None:
    await place_one(store)
    await RowInspector(store).inspect_all(AT_ONCE)
    assert store.damaged.all() == []
    assert await found(store) == []


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("orders", "customer_name", b"Jos\xe9"),
        ("orders", "cart_items", "nope"),
        ("orders", "billing_info", '{"a":[1e400]}'),
        ("orders", "created_at", "never"),
        ("orders", "total", -5),
        ("orders", "total", 2**63 - 1),
        ("orders", "status", "accepted"),
        ("products", "name", b"\xff"),
        ("order_history", "at", "never"),
        ("order_history", "reason", b"\xff"),
        ("customers", "name", b"\xff"),
        ("idempotency", "answer", "nope"),
        ("meta", "value", b"\xff"),
        ("feed", "after", "nope"),
        ("feed", "after", b'{"id":"\xff"}'),
        ("feed", "at", "never"),
        ("feed", "version", "two"),
    ],
)
async def test_a_damaged_row_is_named_and_mended_once_and_forgotten(
    store: AnyStore, place: Path | str, table: str, column: str, value: Any
) -> None:
    await place_one(store)
    if table == "idempotency":
        fingerprint = "x'66'" if store.dialect is SQLITE else "'f'"
        await store.write(
            lambda t: t.run(
                f"INSERT INTO idempotency VALUES ('s', 'k', {fingerprint}, '{{}}', '2026-01-01T00:00:00.000Z')"
            )
        )
    if table == "customers":
        await store.write(
            lambda t: t.run("INSERT INTO customers (id, email, name) VALUES ('cus_1', 'asha@example.com', 'Asha')")
        )
    if table == "meta":
        await store.write(lambda t: t.run("INSERT INTO meta (name, value) VALUES ('mine', 'x')"))
    if table == "feed":
        await place_one(store)
        # On PostgreSQL a row of the feed has its number a moment after the commit.
        await until(lambda: store.last_seq >= 2)
    # By its newest row a history is known again: with another one there, it is another history.
    where = {"meta": "name = 'mine'", "feed": "seq < (SELECT max(seq) FROM feed)"}.get(table, "TRUE")
    if not damage(place, table, column, value, where):
        pytest.skip("this database refuses it, whatever rules are switched off")
    inspector = RowInspector(store)
    await inspector.inspect_all(AT_ONCE)
    named = [(of, key) for of, key in store.damaged.all() if of == table]
    assert named
    before = await found(store)
    assert await found(store) == before  # nothing was done

    done = await found(store, dry_run=False)

    assert {outcome for _, _, outcome in done} == {RepairOutcome.MENDED}
    assert await found(store) == []
    await inspector.recheck_damaged()
    await inspector.inspect_all(AT_ONCE)
    assert store.damaged.all() == []
    await place_one(store)
    assert [check_row(change) for change in store.changes(0, 1_000)] == [None] * len(store.changes(0, 1_000))


async def test_what_only_a_person_can_know_is_left_and_stays_named(store: AnyStore, place: Path | str) -> None:
    await place_one(store)
    if not damage(place, "orders", "fulfilment", "drone"):
        pytest.skip("this database refuses it, whatever rules are switched off")
    assert ("orders", RepairOutcome.LEFT) in {
        (table, outcome) for table, _, outcome in await found(store, dry_run=False)
    }
    await RowInspector(store).inspect_all(AT_ONCE)
    assert [table for table, _ in store.damaged.all()] == ["orders"]


async def test_a_total_that_was_lost_is_what_the_other_sums_come_to(store: AnyStore, place: Path | str) -> None:
    order = await place_one(store)
    if not damage(place, "orders", "total", order.total + 7):
        pytest.skip("this database refuses it, whatever rules are switched off")
    await found(store, dry_run=False)
    assert await store.read(lambda t: t.all("SELECT total FROM orders")) == [(order.total,)]


async def test_the_triggers_of_a_table_that_is_only_added_to_are_there_again_after_a_repair(
    store: AnyStore, place: Path | str
) -> None:
    await place_one(store)
    damage(place, "order_history", "at", "never")
    await found(store, dry_run=False)
    assert await store.faults() == []


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=lambda dialect: dialect.name)
def test_every_table_can_be_asked_for_its_damaged_rows(dialect: Any) -> None:
    asked = [RowQuery.of(table, dialect) for table in tables(dialect)]
    assert {question.table.name for question in asked} == {table.name for table in TABLES}
    assert all(question.keys for question in asked)


@pytest.mark.parametrize("value", [b"\xff", 7, "odd", None], ids=repr)
def test_a_row_that_breaks_every_rule_of_its_table_is_named(value: Any) -> None:
    for table in TABLES:
        query = RowQuery.of(table, SQLITE)
        row = (*[value] * len(query.columns), *[False] * len(query.rules))
        assert query.examine(row, None).problems, table
