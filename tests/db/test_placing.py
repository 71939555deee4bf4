from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.errors import OutOfStock, UnknownProduct
from ordercast.commerce.people import GUEST, Actor, Role
from ordercast.commerce.promotions import Promotion, PromotionKind
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import SqliteStore, Transaction, products, promotions
from ordercast.db.idempotency import Outcome, RequestKey
from ordercast.db.orders.placing import Placing
from tests.chance import examples
from tests.commerce.orders import PRODUCTS
from tests.quick import migrated

from .shop import STORE, ask, busy_writer, new_order, stock_of

TABLES = (
    "orders", "order_lines", "order_history", "customers", "products", "promotions", "idempotency", "sqlite_sequence",
)  # fmt: skip
# Where the last piece goes with the second order of a group, the catalogue's row comes before the first.
FEEDS = (
    "SELECT kind, entity_id, version, actor, reason, at, before, after FROM feed WHERE kind LIKE 'order.%'",
    "SELECT kind, entity_id, version, actor, reason, after FROM feed WHERE kind NOT LIKE 'order.%'",
)
SCARCE = {"hilsa-curry": 9, "samosa": 5, "jilapi": 0}


OPENED = Timestamp("2026-11-21T06:00:00.000Z")


def make_promotions(transaction: Transaction) -> None:
    """One that holds three times, one that each customer may use once."""
    for code, uses_max, uses_per_customer_max in (("THRICE", 3, None), ("ONCE", None, 1)):
        promotion = Promotion(
            code=code,
            kind=PromotionKind.PERCENT,
            value=1_250,
            currency="BDT",
            min_subtotal=5_000,
            starts_at=None,
            ends_at=None,
            uses=0,
            uses_max=uses_max,
            uses_per_customer_max=uses_per_customer_max,
            active=True,
            version=1,
            created_at=OPENED,
            updated_at=OPENED,
        )
        promotions.add(transaction, promotion, STORE)


@pytest.fixture(scope="module")
def scarce(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed shop in which some things are nearly sold out, to be copied."""
    path = migrated(tmp_path_factory.mktemp("scarce") / "shop.db")
    asyncio.run(_fill(path))
    return path


async def _fill(path: Path) -> None:
    async with running(path) as store:
        scarce = [msgspec.structs.replace(p, stock=SCARCE.get(p.slug, p.stock)) for p in DEMO_CATALOGUE]
        await store.write(lambda transaction: products.seed(transaction, scarce, STORE, OPENED))
        await store.write(make_promotions)


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def placed_together(store: SqliteStore, units: Sequence[Placing]) -> list[Any]:
    """Have the writer find all of them waiting."""
    async with busy_writer(store):
        tasks = [asyncio.create_task(store.write(unit)) for unit in units]
    return [_comparable(outcome) for outcome in await asyncio.gather(*tasks, return_exceptions=True)]


async def placed_one_by_one(store: SqliteStore, units: Sequence[Placing]) -> list[Any]:
    outcomes: list[Any] = []
    for unit in units:
        outcomes += await asyncio.gather(store.write(unit), return_exceptions=True)
    return [_comparable(outcome) for outcome in outcomes]


def _comparable(outcome: Any) -> Any:
    return (type(outcome), str(outcome), vars(outcome)) if isinstance(outcome, Exception) else outcome


async def contents(store: SqliteStore) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for table in TABLES:
        found[table] = sorted(await ask(store, f"SELECT * FROM {table}"), key=repr)
    for question in FEEDS:
        found[question] = sorted(await ask(store, question), key=repr)
    return found


# --- Together is as one by one ----------------------------------------------------------------------------------------

Wish = tuple[Actor, dict[str, Any], RequestKey | None, bytes | None]

cart_items = st.builds(
    lambda slug, quantity: {"productId": PRODUCTS[slug].id if slug else "prd_nothing", "quantity": quantity},
    st.sampled_from(["hilsa-curry", "samosa", "jilapi", "masala-chai", "dal-fry", "masala-chai", "dal-fry", ""]),
    st.integers(1, 4),
)
guests = st.builds(
    lambda email, name: {"name": name, "email": email, "mobile": "+8801700000000"},
    st.sampled_from(["asha@example.com", "ASHA@example.com", "rafi@example.com"]),
    st.sampled_from(["Asha Rahman", "A. Rahman"]),
)
keys = st.builds(
    RequestKey, st.just("guest /api/orders"), st.sampled_from(["a", "b", "c", "d"]), st.sampled_from([b"1", b"2"])
)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    changes: dict[str, Any] = {
        "cartItems": draw(st.lists(cart_items, min_size=1, max_size=3)),
        "customerInfo": draw(guests),
    }
    if draw(st.integers(0, 9)) == 9:
        changes["total"] = 1
    if draw(st.integers(0, 9)) == 9:
        changes["shippingInfo"] = None
    if draw(st.integers(0, 2)) == 2:
        changes["promoCode"] = draw(st.sampled_from(["THRICE", "once", "ONCE", "NEVER"]))
    # The database refuses the second order with a hash, whatever was decided.
    same_hash = b"the same" if draw(st.integers(0, 14)) == 14 else None
    actor = draw(st.sampled_from([GUEST, GUEST, Actor(Role.CUSTOMER, "cus_1"), Actor(Role.DRIVER, "drv_1")]))
    return actor, changes, draw(st.none() | keys), same_hash


def placing(wish: Wish) -> Placing:
    actor, changes, key, same_hash = wish
    new = new_order(actor, **changes)
    return Placing(new if same_hash is None else replace(new, tracking_hash=same_hash), key)


@examples(40, one_fixture_for_all=True)
@given(st.lists(st.lists(wishes(), min_size=2, max_size=10), min_size=1, max_size=3))
async def test_a_group_placed_together_is_as_if_placed_one_by_one(
    scarce: Path, tmp_path: Path, groups: list[list[Wish]]
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    together_path, apart_path = (Path(shutil.copy(scarce, folder / name)) for name in ("together.db", "apart.db"))
    async with running(together_path) as together, running(apart_path) as apart:
        for group in groups:
            units = [placing(wish) for wish in group]
            assert await placed_together(together, units) == await placed_one_by_one(apart, units)
        assert await contents(together) == await contents(apart)


# --- How it is done ---------------------------------------------------------------------------------------------------


async def traced(store: SqliteStore) -> list[str]:
    """The statements that the writer runs from now on, each by its first word; without FTS5's reads of its own tables,
    as when it opens an index.
    """
    words: list[str] = []

    def note(text: str) -> None:
        if " FROM 'main'." not in text:
            words.append(text.split(maxsplit=1)[0])

    def trace(transaction: Transaction) -> None:
        connection = transaction._connection
        assert isinstance(connection, sqlite3.Connection)
        connection.set_trace_callback(note)

    await store.write(trace)
    return words


async def test_a_group_is_four_questions_and_no_savepoint_also_where_some_are_refused(store: SqliteStore) -> None:
    unknown = {"cartItems": [{"productId": "prd_nothing", "quantity": 1}]}
    await store.write(lambda transaction: transaction.run("UPDATE products SET stock = 30 WHERE slug = 'samosa'"))
    words = await traced(store)
    twos = [placing((GUEST, changes, None, None)) for changes in (unknown, *([{}] * 20))]
    outcomes = await placed_together(store, twos)
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Outcome)]
    assert [refusal[0] for refusal in refused] == [UnknownProduct] + [OutOfStock] * 5
    assert words.count("SAVEPOINT") == 0
    assert words.count("COMMIT") == 1 + 1 + 1  # of the trace, the gate, and theirs
    assert words.count("SELECT") == 4
    assert await stock_of(store, "samosa") == 0


async def test_a_key_that_waits_twice_is_placed_once(store: SqliteStore) -> None:
    key = RequestKey("guest /api/orders", "k", b"1")
    first, other, again = [placing((GUEST, {}, key_, None)) for key_ in (key, None, key)]
    outcomes = await placed_together(store, [first, other, again])
    assert [outcome.replayed for outcome in outcomes] == [False, False, True]
    assert outcomes[0].answer == outcomes[2].answer
    assert await ask(store, "SELECT count(*) FROM orders") == [(2,)]


async def test_an_order_that_the_database_refuses_leaves_those_beside_it(store: SqliteStore) -> None:
    units = [placing((GUEST, {}, None, hash_)) for hash_ in (b"the same", None, b"the same", None)]
    outcomes = await placed_together(store, units)
    assert [isinstance(outcome, Outcome) for outcome in outcomes] == [True, True, False, True]
    assert outcomes[2][0] is sqlite3.IntegrityError
    assert await ask(store, "SELECT count(*), max(number) - min(number) FROM orders") == [(3, 2)]


async def test_another_unit_between_two_orders_is_not_overtaken(store: SqliteStore) -> None:
    async with busy_writer(store):
        one = asyncio.create_task(store.write(placing((GUEST, {}, None, None))))
        count = asyncio.create_task(store.write(lambda transaction: transaction.one("SELECT count(*) FROM orders")))
        two = asyncio.create_task(store.write(placing((GUEST, {}, None, None))))
    await asyncio.gather(one, two)
    assert await count == (1,)
