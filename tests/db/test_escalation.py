"""What is done about orders that nobody has opened: by a clock that the test sets, each step once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
import pytest

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.letters import Language
from ordercast.commerce.notice import EscalationLimits, NoticeStep, Opening, Receipt
from ordercast.commerce.orders import Order
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.timestamps import timestamp
from ordercast.db import accounts, products
from ordercast.db.accounts import Account
from ordercast.db.notices import FirstSend, NoticeBatch, escalation, order_notice, record
from ordercast.jobs import escalate_unseen

from .shop import STORE, ask, move, now, place_one
from .shops import AnyStore, ShopDatabase

BOARD, PUSH, MAIL, WEBHOOK = NoticeStep
LIMITS = EscalationLimits({BOARD: 60, PUSH: 120, MAIL: 300, WEBHOOK: 600}, unsent_s=30)
STAFF = [("usr_a", Role.ADMIN, True), ("usr_s", Role.STORE, True), ("usr_x", Role.STORE, False)]


@pytest.fixture
async def shop(database: ShopDatabase) -> AsyncIterator[AnyStore]:
    """A running store of each kind, with a catalogue and three people, one of whom has left."""
    store = database.store()
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, DEMO_CATALOGUE, STORE, now()))
    for id_, role, active in STAFF:
        account = Account(id_, f"{id_}@example.com", id_, role, "hash")
        await store.write(partial(accounts.add, account=account, now=now()))
        if not active:
            await store.write(partial(accounts.change, account_id=id_, name=None, role=None, active=False))
    yield store
    await store.close()


def ms(order: Order, after_s: float = 0) -> int:
    return round(datetime.fromisoformat(order.created_at).timestamp() * 1000 + after_s * 1000)


async def after(
    store: AnyStore, order: Order, seconds: float, limits: EscalationLimits = LIMITS, language: Language | None = None
) -> dict[NoticeStep, int]:
    """What is taken so long after the order."""
    return await escalate_unseen(store, limits, ms(order, seconds), mailed_in=language)


async def sent(store: AnyStore, *orders: Order) -> None:
    """A screen was there as they came."""
    batch = NoticeBatch({order.id: FirstSend(order.created_at, timestamp(ms(order, 0.1))) for order in orders})
    await store.write(lambda transaction: record(transaction, batch))


async def opened(store: AnyStore, order: Order) -> None:
    batch = NoticeBatch(openings={order.id: [Opening("store:usr_s", timestamp(ms(order, 5)))]})
    await store.write(lambda transaction: record(transaction, batch))


async def steps(store: AnyStore, order: Order) -> list[NoticeStep]:
    found = await store.read(lambda transaction: order_notice(transaction, order.id))
    return [each.step for each in found.escalations]


async def told(store: AnyStore, kind: str) -> list[dict[str, Any]]:
    rows = await ask(store, f"SELECT after FROM feed WHERE kind = '{kind}' ORDER BY seq")
    return [msgspec.json.decode(document) for (document,) in rows]


async def test_each_step_is_taken_at_its_time_and_once(shop: AnyStore) -> None:
    order = await place_one(shop)
    await sent(shop, order)
    taken = [await after(shop, order, seconds) for seconds in (59, 60.01, 61, 119, 121, 301, 302, 601, 700, 4_000)]
    assert taken == [{}, {BOARD: 1}, {}, {}, {PUSH: 1}, {MAIL: 1}, {}, {WEBHOOK: 1}, {}, {}]
    assert await steps(shop, order) == [BOARD, PUSH, MAIL, WEBHOOK]
    events = await told(shop, "notice.order_unseen")
    assert [event["step"] for event in events] == [BOARD, PUSH, MAIL, WEBHOOK]
    assert events[0] == {
        "orderId": order.id, "number": order.number, "step": "board", "committedAt": order.created_at,
        "sentAt": timestamp(ms(order, 0.1)), "receivedAt": None,
    }  # fmt: skip


async def test_no_screen_there_is_escalated_sooner_unless_one_has_painted_it_since(shop: AnyStore) -> None:
    alone, painted = await place_one(shop), await place_one(shop)
    batch = NoticeBatch(receipts={painted.id: [Receipt("sid", "store:usr_s", timestamp(ms(painted, 20)))]})
    await shop.write(lambda transaction: record(transaction, batch))
    assert await after(shop, alone, 29) == {}
    assert await after(shop, painted, 31) == {BOARD: 1, PUSH: 1, MAIL: 1, WEBHOOK: 1}
    assert await steps(shop, painted) == []
    assert await after(shop, painted, 61) == {BOARD: 1}


async def test_only_what_is_wanted_is_done_and_only_about_what_is_news(shop: AnyStore) -> None:
    order, board = await place_one(shop), EscalationLimits({BOARD: 60})
    assert await after(shop, order, 9_000, EscalationLimits()) == {}
    assert await after(shop, order, escalation.AGE_MS_MAX / 1000 + 1) == {}
    assert await after(shop, order, 59, board) == {}  # as long as any other, without the shortcut
    assert await after(shop, order, 61, board) == {BOARD: 1}


async def test_it_ends_once_somebody_opens_or_moves_it(shop: AnyStore) -> None:
    moves = ["processing", "rejected", "cancelled", "on_hold"]
    moved, other, seen = [await place_one(shop) for _ in moves], await place_one(shop), await place_one(shop)
    buyer = Actor(Role.CUSTOMER, "cus_1")
    withdrawn = await place_one(shop, buyer)
    await sent(shop, *moved, other, seen, withdrawn)
    assert await after(shop, withdrawn, 61) == {BOARD: 7}
    await opened(shop, seen)
    for order, status in zip(moved, moves, strict=True):
        await move(shop, order.id, status)
    await move(shop, moved[-1].id, "pending")  # it comes back from hold, and whoever held it has seen it
    await move(shop, withdrawn.id, "cancelled", buyer)
    assert await after(shop, withdrawn, 601) == {PUSH: 1, MAIL: 1, WEBHOOK: 1}
    assert [await steps(shop, order) for order in (*moved, seen, withdrawn)] == [[BOARD]] * 6
    assert len(await steps(shop, other)) == 4


async def test_of_nodes_that_try_at_once_one_takes_each_step(database: ShopDatabase, shop: AnyStore) -> None:
    orders = [await place_one(shop) for _ in range(5)]
    other = database.store()
    await other.start()
    try:
        rounds = await asyncio.gather(*(after(store, orders[-1], 61) for store in (shop, other) * 3))
    finally:
        await other.close()
    while any((await after(shop, orders[-1], 61)).values()):  # what another held is left for the next round
        pass
    assert sum(taken.get(BOARD, 0) for taken in rounds) <= 5
    again = database.store()  # as after a restart, too
    await again.start()
    assert await after(again, orders[-1], 62) == {}
    await again.close()
    assert len(await told(shop, "notice.order_unseen")) == 5 * 4
    for order in orders:
        assert sorted(await steps(shop, order)) == sorted(NoticeStep)


async def test_only_so_many_are_told_at_once_the_oldest_first(shop: AnyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escalation, "ESCALATED_AT_ONCE_MAX", 2)
    orders = [await place_one(shop) for _ in range(3)]
    await sent(shop, *orders)
    assert await after(shop, orders[-1], 61) == {BOARD: 2}
    assert [event["number"] for event in await told(shop, "notice.order_unseen")] == [o.number for o in orders[:2]]
    assert await after(shop, orders[-1], 62) == {BOARD: 1}


async def test_the_shop_is_notified_once_of_all_and_its_people_are_mailed(shop: AnyStore) -> None:
    orders = [await place_one(shop) for _ in range(3)]
    await sent(shop, *orders)
    await after(shop, orders[-1], 121)
    rows = await ask(shop, "SELECT recipient, severity, data FROM notifications WHERE kind = 'orders_unseen'")
    ((recipient, severity, data),) = rows
    said = data if isinstance(data, dict) else msgspec.json.decode(data)
    assert (recipient, severity) == ("store", "error")
    assert said == {"count": 3, "first": orders[0].number, "last": orders[2].number}
    await after(shop, orders[-1], 301, language=Language.BENGALI)
    mailed = await ask(shop, "SELECT address, kind, language FROM mails ORDER BY address")
    assert mailed == [(f"{id_}@example.com", "orders_unseen", "bn") for id_ in ("usr_a", "usr_s")]
