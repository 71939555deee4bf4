"""What another program holds is charged to those who need it: the others go round it, at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.deliveries import DeliveryRules
from ordercast.commerce.timestamps import timestamp
from ordercast.db import (
    LockedElsewhere,
    SessionRow,
    StoreUnavailable,
    Transaction,
    UnitOfWork,
    accounts,
    drivers,
    notifications,
    products,
)
from ordercast.db.idempotency import Outcome, RequestKey
from ordercast.db.orders import assign_driver, change_status, page
from ordercast.db.orders.expiry import ORDER_EXPIRY
from ordercast.db.orders.placing import Placing
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.db.seed import CHANCE_BYTES, seed_demo
from ordercast.jobs import expire_all
from tests.commerce.orders import PRODUCTS

from .shop import STORE, ask, move, new_order, now, place_one
from .shops import PostgresqlShop
from .test_placing import make_promotions

HELD, FREE = PRODUCTS["samosa"].id, DEMO_CATALOGUE[-1].id
LATER: Final = timestamp(4_102_444_800_000)
IN_TIME_S: Final = 15.0
"""For what must come to pass at all; nothing here waits for time to pass."""

Unit = Callable[[Transaction], Any]


@dataclass
class Shop:
    """A running store, another program at the same database, and the orders that are there."""

    store: PostgresqlStore
    database: PostgresqlShop
    order: str
    """Of the product that may be held; ready for its driver."""
    other_order: str
    """Of another one."""
    driver: str

    @contextmanager
    def held(self, *statements: str) -> Iterator[psycopg.Connection]:
        """Another program has run these, and does not commit; it rolls back in the end."""
        other = self.database.connect()
        try:
            for statement in statements:
                other.execute(statement.format(**self.facts()).encode())
            yield other
        finally:
            other.rollback()
            other.close()

    def facts(self) -> dict[str, str]:
        return {"product": HELD, "order": self.order, "driver": self.driver}

    def placing(self, product: str, email: str, key: str | None = None, quantity: int = 1, **changes: Any) -> Placing:
        customer = {"name": "Asha Rahman", "email": email, "mobile": "+8801700000000"}
        new = new_order(customerInfo=customer, cartItems=[{"productId": product, "quantity": quantity}], **changes)
        return Placing(new, None if key is None else RequestKey("guest", key, b"same"))

    async def others_go_on(self) -> None:
        """Orders of others for other products, another order's move, a session, another program's own rows."""
        async with asyncio.timeout(IN_TIME_S):
            for number in range(5):
                await asyncio.gather(
                    *(self.store.write(self.placing(FREE, f"b{number}.{each}@example.com")) for each in range(4)),
                    move(self.store, self.other_order, "on_hold" if number % 2 else "processing"),
                    self.store.save_session(session(f"free{number}")),
                    self.store.write(lambda t: t.run("UPDATE shop SET actor = 'x'")),
                )


def session(pid: str) -> SessionRow:
    return SessionRow(pid, "s1", "/", b"{}", ("store-owners",), "2026-11-21T06:15:19.608Z")


@pytest.fixture
async def shop(postgresql: PostgresqlShop) -> AsyncIterator[Shop]:
    store = postgresql.store()
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    await seed_demo(store, "password", mark="mark", now_ms=1_795_241_719_000, random_bytes=bytes(range(CHANCE_BYTES)))
    await store.write(make_promotions)
    order, other = await place_one(store), await place_one(store, cartItems=[{"productId": FREE, "quantity": 1}])
    ((driver,),) = await ask(store, "SELECT id FROM accounts WHERE role = 'driver'")
    for status in ("processing", "ready_for_delivery"):
        await move(store, order.id, status)
    await store.save_session(session("held"))
    yield Shop(store, postgresql, order.id, other.id, driver)
    await store.close()


def place(shop: Shop, **changes: Any) -> Unit:
    return shop.placing(HELD, "new@example.com", "once", **changes)


def change(shop: Shop, status: str) -> Unit:
    return lambda t: change_status(t, shop.order, status, STORE, reason="because", expected_version=None, now=now())


def assign(shop: Shop) -> Unit:
    rules = DeliveryRules()
    return lambda t: assign_driver(t, shop.order, shop.driver, STORE, expected_version=3, now=now(), rules=rules)


# What another program holds, and what cannot be done meanwhile.
ROWS: Final[dict[str, tuple[tuple[str, ...], Callable[[Shop], Unit]]]] = {
    "product": (("UPDATE products SET price = price + 1 WHERE id = '{product}'",), place),
    "product, locked only": (("SELECT 1 FROM products WHERE id = '{product}' FOR UPDATE",), place),
    "product, by an order for it": (
        (
            ("INSERT INTO order_lines (order_number, position, product_id, quantity, unit_price, line_total, tax)"
             " SELECT number, 9, '{product}', 1, 1, 1, 0 FROM orders WHERE id = '{order}'"),
        ),
        place,
    ),
    "product, whose stock an end gives back": (
        ("UPDATE products SET price = price + 1 WHERE id = '{product}'",),
        lambda shop: change(shop, "cancelled"),
    ),
    "promotion": (
        ("UPDATE promotions SET active = active WHERE code = 'ONCE'",),
        lambda shop: shop.placing(FREE, "new@example.com", "once", quantity=9, promoCode="once"),
    ),
    "answer to the same key": (
        (
            ("INSERT INTO idempotency (scope, key, fingerprint, answer, created_at)"
             " VALUES ('guest', 'once', 'same', '{{}}', '2026-01-01T00:00:00.000Z')"),
        ),
        lambda shop: shop.placing(FREE, "new@example.com", "once"),
    ),
    "order": (("UPDATE orders SET reason = 'x' WHERE id = '{order}'",), lambda shop: change(shop, "on_hold")),
    "order, of a table's worth": (("UPDATE orders SET reason = 'x' WHERE id = '{order}'",), assign),
    "account": (
        ("UPDATE accounts SET name = name WHERE id = '{driver}'",),
        lambda shop: lambda t: accounts.change(t, shop.driver, name="x", role=None, active=None),
    ),
    "driver": (
        ("INSERT INTO driver_states (driver_id, on_duty) VALUES ('{driver}', 1)",),
        lambda shop: lambda t: drivers.set_duty(t, shop.driver, True, now()),
    ),
    "session": (
        ("UPDATE sessions SET seen_at = seen_at WHERE pid = 'held'",),
        lambda _: lambda t: t.run("UPDATE sessions SET seen_at = seen_at WHERE pid = 'held'"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ROWS)
async def test_others_go_round_what_is_held_while_it_is_held(shop: Shop, case: str) -> None:
    statements, needs = ROWS[case]
    with shop.held(*statements) as other:
        related = asyncio.create_task(shop.store.write(needs(shop)))
        await shop.others_go_on()
        assert not related.done(), "it was not held up"
        other.rollback()
        async with asyncio.timeout(IN_TIME_S):
            await related


@pytest.mark.parametrize("case", ["product", "order", "promotion", "answer to the same key"])
async def test_what_needs_it_is_refused_in_time_and_done_once_when_it_is_asked_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr("ordercast.db.postgresql.connection.LOCKED_MS_MAX", 200)
    statements, needs = ROWS[case]
    unit = needs(shop)
    with shop.held(*statements):
        async with asyncio.timeout(IN_TIME_S):
            with pytest.raises(LockedElsewhere, match="locked by another program") as caught:
                await shop.store.write(unit)
        assert caught.value.retry_after_s >= 1
        await shop.others_go_on()
    outcome = await shop.store.write(unit)
    if isinstance(outcome, Outcome):
        again = await shop.store.write(unit)
        assert (again.answer, again.replayed) == (outcome.answer, True)


async def test_many_who_need_a_held_product_hold_up_nobody_and_all_succeed_when_it_is_free(shop: Shop) -> None:
    with shop.held("UPDATE products SET price = price + 1 WHERE id = '{product}'") as other:
        related = [
            asyncio.create_task(shop.store.write(shop.placing(HELD, f"a{number}@example.com"))) for number in range(40)
        ]
        await shop.others_go_on()
        assert not any(task.done() for task in related)
        other.rollback()
        async with asyncio.timeout(IN_TIME_S):
            await asyncio.gather(*related)
    assert not shop.store._writer._held  # type: ignore[union-attr]


async def test_two_held_rows_are_waited_for_side_by_side(shop: Shop) -> None:
    second = DEMO_CATALOGUE[3].id
    with shop.held("UPDATE products SET price = price + 1 WHERE id = '{product}'") as other:
        first = asyncio.create_task(shop.store.write(shop.placing(HELD, "a@example.com")))
        with shop.held(f"UPDATE products SET price = price + 1 WHERE id = '{second}'"):
            later = asyncio.create_task(shop.store.write(shop.placing(second, "b@example.com")))
            await shop.others_go_on()
        async with asyncio.timeout(IN_TIME_S):
            await later
        assert not first.done()
        other.rollback()
        await first


async def test_an_order_of_a_held_and_a_free_product_keeps_the_free_one_from_nobody(shop: Shop) -> None:
    both = [{"productId": product, "quantity": 1} for product in (FREE, HELD)]
    with shop.held("UPDATE products SET price = price + 1 WHERE id = '{product}'") as other:
        related = asyncio.create_task(shop.store.write(Placing(new_order(cartItems=both))))
        for _ in range(5):
            await shop.others_go_on()
        assert not related.done()
        other.rollback()
        await related


async def test_commands_on_one_order_keep_their_order_while_it_is_held(shop: Shop) -> None:
    done: list[int] = []

    def on_order(number: int) -> UnitOfWork[None]:
        def unit(transaction: Transaction) -> None:
            transaction.run(f"UPDATE orders SET reason = '{number}' WHERE id = '{shop.order}'")

        return UnitOfWork(unit, rows=frozenset({("orders", shop.order)}))

    async def write(number: int) -> None:
        await shop.store.write(on_order(number))
        done.append(number)

    with shop.held("UPDATE orders SET reason = 'x' WHERE id = '{order}'") as other:
        first = [asyncio.create_task(write(number)) for number in range(3)]
        await shop.others_go_on()
        later = [asyncio.create_task(write(number)) for number in range(3, 6)]
        await asyncio.sleep(0)
        other.rollback()
        async with asyncio.timeout(IN_TIME_S):
            await asyncio.gather(*first, *later)
    assert done == list(range(6))


TABLES: Final[dict[str, Callable[[Shop], Unit]]] = {
    "orders": place,
    "products": place,
    "notifications": lambda _: lambda t: notifications.mark_read(t, ("shop",), "usr_1", None, now()),
    "sessions": lambda _: lambda t: t.run("DELETE FROM sessions WHERE pid = 'held'"),
}


@pytest.mark.parametrize("table", TABLES)
async def test_a_table_that_is_locked_holds_up_nobody_who_does_not_need_it(shop: Shop, table: str) -> None:
    with shop.held(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE") as other:
        related = [asyncio.create_task(shop.store.write(TABLES[table](shop))) for _ in range(1)]
        crowd = [
            asyncio.create_task(shop.store.write(shop.placing(HELD, f"a{number}@example.com")))
            for number in range(20 if table in {"orders", "products"} else 0)
        ]
        async with asyncio.timeout(IN_TIME_S):
            for number in range(20):
                await shop.store.write(lambda t: t.run("UPDATE shop SET actor = 'x'"))
                if table != "sessions":
                    await shop.store.save_session(session(f"free{number}"))
        assert not any(task.done() for task in (*related, *crowd))
        other.rollback()
        async with asyncio.timeout(IN_TIME_S):
            await asyncio.gather(*related, *crowd)


async def test_readers_go_round_a_table_that_is_locked(shop: Shop) -> None:
    with shop.held("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE") as other:
        lists = [
            asyncio.create_task(shop.store.read(lambda t: page(t, STORE, cursor=1 << 60, limit=10, statuses=None)))
            for _ in range(20)
        ]
        async with asyncio.timeout(IN_TIME_S):
            for _ in range(20):
                await ask(shop.store, "SELECT count(*) FROM products")
        assert not any(task.done() for task in lists)
        other.rollback()
        async with asyncio.timeout(IN_TIME_S):
            await asyncio.gather(*lists)


async def test_a_list_of_a_locked_table_is_refused_in_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.db.postgresql.connection.LOCKED_MS_MAX", 200)
    with shop.held("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"):
        async with asyncio.timeout(IN_TIME_S):
            with pytest.raises(StoreUnavailable, match="locked by another program"):
                await ask(shop.store, "SELECT count(*) FROM orders")


async def test_sessions_are_saved_round_one_that_is_held_and_that_one_when_it_is_free(shop: Shop) -> None:
    with shop.held("UPDATE sessions SET seen_at = seen_at WHERE pid = 'held'") as other:
        for number in range(300):
            shop.store.save_session_soon(f"p{number}", session(f"p{number}"))
        shop.store.save_session_soon("held", None)
        for number in range(300, 400):
            shop.store.save_session_soon(f"p{number}", session(f"p{number}"))
        async with asyncio.timeout(IN_TIME_S):
            while len(shop.store._session_saver) > 1:  # noqa: ASYNC110 - the database sets no event
                await asyncio.sleep(0.01)
        assert "held" in shop.store._session_saver
        assert await shop.store.load_session("held") is None
        ((count,),) = await ask(shop.store, "SELECT count(*) FROM sessions WHERE pid LIKE 'p%%'")
        assert count == 400
        other.rollback()
        async with asyncio.timeout(IN_TIME_S):
            while len(shop.store._session_saver):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert await ask(shop.store, "SELECT 1 FROM sessions WHERE pid = 'held'") == []


async def test_a_product_that_is_held_keeps_other_orders_from_expiring_no_longer_than_a_try(shop: Shop) -> None:
    await move(shop.store, shop.other_order, "on_hold")
    waiting = await place_one(shop.store)
    free = await place_one(shop.store, cartItems=[{"productId": FREE, "quantity": 1}])
    with shop.held("UPDATE products SET price = price + 1 WHERE id = '{product}'"):
        await expire_all(shop.store, ORDER_EXPIRY, LATER, now())
        states = dict(await ask(shop.store, "SELECT id, status FROM orders"))
        assert (states[waiting.id], states[free.id]) == ("pending", "expired")
    await expire_all(shop.store, ORDER_EXPIRY, LATER, now())
    assert dict(await ask(shop.store, "SELECT id, status FROM orders"))[waiting.id] == "expired"


@pytest.mark.parametrize(
    ("table", "row"),
    [("sessions", "pid = 'old1'"), ("idempotency", "key = 'old1'"), ("published_events", "id = 'old1'")],
)
async def test_forgetting_what_is_old_goes_round_a_row_that_is_held(shop: Shop, table: str, row: str) -> None:
    old = "2020-01-01T00:00:00.000Z"
    for name in ("old1", "old2"):
        shop.database.execute(
            f"INSERT INTO sessions VALUES ('{name}', 's', '/', '', '[]', '{old}')",
            f"INSERT INTO idempotency VALUES ('s', '{name}', '', '{{}}', '{old}')",
            f"INSERT INTO published_events (id, event, rooms, args, created_at)"
            f" VALUES ('{name}', 'e', '[\"r\"]', '[]', '{old}')",
        )
    with shop.held(f"SELECT 1 FROM {table} WHERE {row} FOR UPDATE"):
        async with asyncio.timeout(IN_TIME_S):
            await shop.store.prune(feed_rows_max=1_000, sessions_age_s_max=60, now="2026-11-21T06:15:19.608Z")
        for each, key in (("sessions", "pid"), ("idempotency", "key"), ("published_events", "id")):
            left = shop.database.ask(f"SELECT count(*) FROM {each} WHERE {key} LIKE 'old%'")
            assert left == [(int(each == table),)]
