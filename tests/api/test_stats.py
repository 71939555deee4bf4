from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from ordercast.app import _today
from ordercast.commerce.money import AMOUNT_MAX
from ordercast.commerce.timestamps import timestamp as moment_of
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.db import stats as units
from ordercast.db.dialects import SQLITE
from ordercast.feed import EphemeralEvents, LiveStats, Relay
from ordercast.hub import Server
from tests.sockets.phone import Phone

from .bookings_at_work import at as at_hour
from .bookings_at_work import book, hire_carers, offer
from .bookings_at_work import moved as moved_booking
from .client import CUSTOMER, DRIVER, SERVICE, STORE, Client, problem, token
from .drivers_at_work import given, hire, moved, ready

DAY = "2026-03-05"


async def stats(client: Client, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/api/stats{query}", STORE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def at(store: SqliteStore, order: dict[str, Any], moment: str) -> None:
    """Let an order have been placed at another time."""
    change = "UPDATE orders SET created_at = :at WHERE id = :id"
    await store.write(lambda transaction: transaction.run(change, at=moment, id=order["id"]))


async def test_a_day_is_counted_by_state_sum_and_hour(client: Client, store: SqliteStore) -> None:
    card = {"paymentInfo": {"method": "card", "token": "tok_visa"}}
    first, second = await client.place(**card), await client.place()
    rejected, other_day = await client.place(), await client.place()
    await client.move(rejected, "rejected", reason="sold out")
    for order, moment in (
        (first, f"{DAY}T00:00:00.000Z"), (second, f"{DAY}T13:59:59.999Z"), (rejected, f"{DAY}T13:00:00.000Z"),
        (other_day, "2026-03-06T00:00:00.000Z"),
    ):  # fmt: skip
        await at(store, order, moment)
    found = await stats(client, f"?date={DAY}")
    assert (found["date"], found["tz"], found["currency"], found["orders"]) == (DAY, "UTC", "BDT", 3)
    assert found["ordered"] == first["total"] + second["total"]
    assert found["byStatus"] == {"pending": 2, "rejected": 1}
    assert {hour: row["orders"] for hour, row in enumerate(found["byHour"]) if row["orders"]} == {0: 1, 13: 2}
    assert found["byHour"][13]["ordered"] == second["total"]
    assert len(found["byHour"]) == 24


async def test_bookings_count_on_the_day_on_which_they_begin(client: Client, store: SqliteStore) -> None:
    await hire_carers(client, store, "car_1")
    service = await offer(client, "car_1")
    held, paid, _ = [await book(client, service, at_hour(hour, day=day)) for hour, day in ((9, 3), (11, 3), (9, 4))]
    await moved_booking(client, held, "cancelled", reason="ill")
    change = "UPDATE bookings SET payment_status = 'paid', captured = total WHERE id = :id"
    await store.write(lambda transaction: transaction.run(change, id=paid["id"]))
    found = (await stats(client, f"?date={at_hour(0)[:10]}"))["bookings"]
    assert found == {"count": 2, "byStatus": {"cancelled": 1, "requested": 1}, "revenue": paid["total"]}
    assert (await stats(client, "?date=1999-12-31"))["bookings"] == {"count": 0, "byStatus": {}, "revenue": 0}


async def test_revenue_is_what_was_captured_less_what_was_refunded(client: Client, store: SqliteStore) -> None:
    order = await client.place()
    change = "UPDATE orders SET payment_status = 'partially_refunded', captured = total, refunded = 100 WHERE id = :id"
    paid = "UPDATE orders SET payment_status = 'paid', captured = total WHERE id = :id"
    for statement in (paid, change):
        await store.write(lambda transaction, s=statement: transaction.run(s, id=order["id"]))  # type: ignore[misc]
    await client.place()
    assert (await stats(client))["revenue"] == order["total"] - 100


async def test_a_day_of_the_largest_orders_adds_up(client: Client, store: SqliteStore) -> None:
    largest = "INSERT INTO orders (total, created_at) VALUES (:total, :at)"
    for minute in range(30):
        moment = f"{DAY}T10:{minute % 3:02}:00.000Z"
        await store.write(lambda t, at=moment: t.run(largest, total=AMOUNT_MAX, at=at))  # type: ignore[misc]
    found = await stats(client, f"?date={DAY}")
    assert found["ordered"] == 30 * AMOUNT_MAX


async def test_the_same_moment_is_another_day_elsewhere(client: Client, store: SqliteStore) -> None:
    await at(store, await client.place(), f"{DAY}T20:30:00.000Z")
    assert (await stats(client, f"?date={DAY}"))["orders"] == 1
    assert (await stats(client, f"?date={DAY}&tz=Asia/Dhaka"))["orders"] == 0
    there = await stats(client, "?date=2026-03-06&tz=Asia/Dhaka")
    assert (there["orders"], there["byHour"][2]["orders"]) == (1, 1)


async def test_times_are_those_of_what_was_finished(client: Client, store: SqliteStore) -> None:
    await hire(store, "drv_a")
    order = await given(client, await ready(client), "drv_a")
    await moved(client, order, "picked_up", "in_transit", "delivered", by="drv_a")
    await client.move(await client.place(), "processing")
    found = await stats(client)
    for name in ("preparation", "delivery"):
        assert found[name]["count"] == 1
        assert 0 <= found[name]["median"] == found[name]["p90"] < 10


async def test_open_orders_are_counted_by_age(client: Client, store: SqliteStore) -> None:
    await client.place()
    old = await client.place()
    await at(store, old, f"{DAY}T00:00:00.000Z")
    await client.move(await client.place(), "rejected", reason="no")
    found = (await stats(client))["open"]
    assert (found["count"], found["ages"]["under5"], found["ages"]["over60"]) == (2, 1, 1)
    assert found["oldestSeconds"] > 3600


async def test_an_empty_day_is_all_zeros(client: Client) -> None:
    found = await stats(client, "?date=1999-12-31")
    assert (found["orders"], found["revenue"], found["byStatus"], found["preparation"]["median"]) == (0, 0, {}, None)
    assert found["latency"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?date=yesterday", "date"),
        ("?date=2026-02-30", "date"),
        ("?date=9999-12-31", "date"),
        ("?tz=Mars/Olympus", "tz"),
        ("?tz=../../etc/passwd", "tz"),
    ],
)
async def test_what_is_no_day_is_named(client: Client, query: str, field: str) -> None:
    problem(await client.get(f"/api/stats{query}", STORE), 422, "invalid-field", field)


async def test_only_the_shop_sees_its_figures(client: Client) -> None:
    for headers in (CUSTOMER, DRIVER, SERVICE):
        problem(await client.get("/api/stats", headers), 403, "not-permitted")
    problem(await client.get("/api/stats"), 401, "sign-in-required")


async def test_each_figure_is_read_from_an_index(store: SqliteStore) -> None:
    def plans(transaction: Any) -> list[str]:
        values = {"begin": "", "end": "", "now": ""}
        statements = (units.BY_MINUTE, units.DURATIONS, units.OPEN_AGES)
        return [
            " ".join(row[3] for row in transaction.all(f"EXPLAIN QUERY PLAN {each.texts[SQLITE]}", **values))
            for each in statements
        ]

    by_minute, durations, open_ages = await store.read(plans)
    assert "orders_by_time" in by_minute
    assert "history_of_finishing" in durations
    assert "history_by_order" in durations
    assert "orders_by_status" in open_ages


async def test_todays_figures_are_told_to_the_shop_when_they_change(
    client: Client, store: SqliteStore, server: Server, settings: Settings
) -> None:
    relay = Relay(store, server.main)
    live = asyncio.create_task(LiveStats(store, EphemeralEvents(server.main), _today(settings, relay), 0.0).run())
    try:
        clerk, customer = (
            await Phone.connected(server, token("store")),
            await Phone.connected(server, token("customer")),
        )
        await client.place()
        async with asyncio.timeout(60):
            while not any(told["orders"] == 1 for told, *_ in [event[1:] for event in clerk.events("stats")]):  # noqa: ASYNC110 - as in `heard`
                await asyncio.sleep(0.002)
        (told, *rest) = clerk.events("stats")[-1][1:]
        assert rest == []  # no offset: it is not replayed
        assert told.keys() == (await stats(client)).keys()
        assert customer.events("stats") == []
    finally:
        live.cancel()


async def test_our_own_latency_is_told(client: Client, store: SqliteStore, server: Server, settings: Settings) -> None:
    clerk = await Phone.connected(server, token("store"))
    await client.place()
    await clerk.heard("newOrder")
    relay = Relay(store, server.main)
    relay.latency.observe(moment_of(time.time_ns() // 1_000_000 - 1_500))
    for other in ("no time at all", "2020-01-01T00:00:00.000Z", "9999-12-31T00:00:00.000Z"):
        relay.latency.observe(other)  # a program's own idea of now says nothing of us
    found = await store.read(_today(settings, relay)())
    assert found.latency is not None
    assert found.latency.count == 1
    assert 1_500 <= (found.latency.median or 0) < 60_000
