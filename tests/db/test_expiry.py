from __future__ import annotations

from functools import partial

import pytest

from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore, expiry
from ordercast.db.orders.expiry import ORDER_EXPIRY

from .shop import ask, move, place_one, stock_of

LATER_MS = 1_795_300_000_000


async def expire(store: SqliteStore, before_ms: int = LATER_MS) -> int:
    unit = partial(expiry.expire, expiry=ORDER_EXPIRY, before=timestamp(before_ms), now=timestamp(LATER_MS))
    return (await store.write(unit)).ended


async def test_an_order_that_nobody_answered_expires_and_gives_its_stock_and_money_back(store: SqliteStore) -> None:
    stock = await stock_of(store, "samosa")
    order = await place_one(store, paymentInfo={"method": "card", "token": "tok_visa"})
    answered = await place_one(store)
    await move(store, answered.id, "processing")
    assert await stock_of(store, "samosa") == stock - 4

    assert await expire(store, 1_795_000_000_000) == 0
    assert await expire(store) == 1

    told = await ask(store, "SELECT status, refunding, actor FROM orders WHERE id = :id", id=order.id)
    assert told == [("expired", order.total, "service:timer")]
    assert await ask(store, "SELECT kind, amount FROM payment_tasks") == [("refund", order.total)]
    assert await stock_of(store, "samosa") == stock - 2
    assert store.changes(store.last_seq - 1, 1)[0].kind == "order.status_changed"
    assert await expire(store) == 0


async def test_the_oldest_expire_first_and_only_so_many_at_once(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "EXPIRED_AT_ONCE_MAX", 2)
    placed = [(await place_one(store)).id for _ in range(3)]
    assert await expire(store) == 2
    assert await ask(store, "SELECT id FROM orders WHERE status = 'pending'") == [(placed[2],)]
    assert await expire(store) == 1


async def test_an_order_that_cannot_be_read_keeps_no_other_from_expiring(store: SqliteStore) -> None:
    await store.write(lambda transaction: transaction.run("INSERT INTO orders (payment_info) VALUES ('{}')"))
    await store.write(
        lambda transaction: transaction.run("UPDATE orders SET version = 2, updated_at = '2026-01-01T00:00:00Z'")
    )
    order = await place_one(store)
    assert await expire(store) == 1
    assert await ask(store, "SELECT status FROM orders WHERE id = :id", id=order.id) == [("expired",)]


@pytest.mark.parametrize("sabotage", ["payment_info = '{}'", "actor = 'mine'"])
async def test_an_order_that_cannot_be_expired_keeps_no_other_from_it(store: SqliteStore, sabotage: str) -> None:
    """Also where the database refuses it, by a rule that the shop has added."""
    first, second = await place_one(store), await place_one(store)
    await store.write(
        lambda transaction: transaction.run(
            "CREATE TRIGGER mine BEFORE UPDATE ON orders WHEN OLD.actor = 'mine' AND NEW.status = 'expired'"
            " BEGIN SELECT RAISE(ABORT, 'not mine'); END"
        )
    )
    set_back = (
        f"UPDATE orders SET {sabotage}, version = version + 1, updated_at = '2026-01-01T00:00:00.000Z' WHERE id = :id"
    )
    await store.write(lambda transaction: transaction.run(set_back, id=first.id))
    assert await expire(store) == 1
    assert await ask(store, "SELECT status FROM orders WHERE id = :id", id=second.id) == [("expired",)]


async def test_those_behind_orders_that_cannot_be_expired_are_come_to(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "EXPIRED_AT_ONCE_MAX", 2)
    await store.write(lambda transaction: transaction.run("INSERT INTO orders (payment_info) VALUES ('{}'), ('{}')"))
    await store.write(
        lambda transaction: transaction.run("UPDATE orders SET version = 2, updated_at = '2026-01-01T00:00:00.000Z'")
    )
    order = await place_one(store)
    unit = partial(expiry.expire, expiry=ORDER_EXPIRY, before=timestamp(LATER_MS), now=timestamp(LATER_MS))
    first = await store.write(unit)
    assert first.ended == 0
    assert first.through is not None
    assert (await store.write(partial(unit, after=first.through))).ended == 1
    assert await ask(store, "SELECT status FROM orders WHERE id = :id", id=order.id) == [("expired",)]


async def test_an_order_that_comes_back_from_hold_has_its_time_again(store: SqliteStore) -> None:
    order = await place_one(store)
    await move(store, order.id, "on_hold")
    between_ms = 1_795_241_719_000 + 500_000
    back = "UPDATE orders SET status = 'pending', held_from = NULL, version = version + 1, updated_at = :at"
    await store.write(lambda transaction: transaction.run(back, at=timestamp(between_ms)))
    assert await expire(store, between_ms - 1) == 0
    assert await expire(store, between_ms + 1) == 1
