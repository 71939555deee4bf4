"""An order that is wanted later: within the hours, promised for then, waited for until then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ordercast.commerce.errors import InvalidField, ShopClosed
from ordercast.commerce.opening import Opening, check_open, order_times
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.slots import Shift, WeekHours
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Store, orders
from tests.commerce.orders import request_json

from .client import CUSTOMER, STORE, Client, problem

BUYER, CLERK = Actor(Role.CUSTOMER, "cus_1"), Actor(Role.STORE, "usr_1")
MONDAY = Timestamp("2026-12-07T06:00:00.000Z")
HOURS = WeekHours(monday=[Shift("09:00", "12:00")], tuesday=[Shift("09:00", "10:00")])


def later(**after: float) -> str:
    return (datetime.now(UTC) + timedelta(**after)).isoformat()


async def placed(client: Client, wanted: str | None, **headers: str) -> Any:
    return await client.post("/api/orders", request_json(requestedTime=wanted), headers or CUSTOMER)


async def test_it_is_kept_and_promised_by_whoever_accepts_it_without_a_time(client: Client) -> None:
    wanted = later(hours=5)
    order = (await placed(client, wanted)).json()
    assert datetime.fromisoformat(order["requestedTime"]) - datetime.fromisoformat(wanted) < timedelta(seconds=1)
    moved = (await client.move(order, "processing", STORE)).json()
    assert moved["promisedAt"] == order["requestedTime"] == moved["requestedTime"]


async def test_whoever_accepts_it_may_promise_another_time(client: Client) -> None:
    order = (await placed(client, later(hours=5))).json()
    body = {"status": "processing", "version": 1, "preparationMinutes": 30}
    moved = (await client.post(f"/api/orders/{order['id']}/status", body, STORE)).json()
    assert moved["promisedAt"] < moved["requestedTime"]


async def test_as_soon_as_possible_is_no_time(client: Client) -> None:
    assert (await placed(client, None)).json()["requestedTime"] is None


@pytest.mark.parametrize(
    "wanted",
    [later(minutes=-5), later(days=8), "tomorrow", "2026-12-07T10:00:00", "9999-12-31T23:59:59Z"],
    ids=["passed", "too far", "no time", "no zone", "never"],
)
async def test_what_is_no_time_to_order_for_is_refused_by_its_field(client: Client, wanted: str) -> None:
    problem(await placed(client, wanted), 422, "invalid-field", "requestedTime")


async def test_while_the_shop_is_paused_what_is_wanted_after_that_is_taken(client: Client) -> None:
    await client.post("/api/shop/pause", {"minutes": 60}, STORE)
    problem(await placed(client, later(minutes=30)), 422, "invalid-field", "requestedTime")
    assert (await placed(client, later(hours=2))).status_code == 201
    times = (await client.get("/api/shop/order-times")).json()["times"]
    assert datetime.fromisoformat(times[0]) > datetime.now(UTC) + timedelta(minutes=59)
    assert (await placed(client, times[0])).status_code == 201
    await client.post("/api/shop/pause", {}, STORE)
    assert (await client.get("/api/shop/order-times")).json()["times"] == []


async def test_unanswered_it_expires_once_its_time_has_passed(client: Client, store: Store) -> None:
    soon, unsaid = (await placed(client, later(hours=5))).json(), (await placed(client, None)).json()

    async def expired(before: str) -> list[str]:
        found = orders.statements.PENDING_SINCE
        return [
            row[0]
            for row in await store.read(
                lambda transaction: transaction.all(found, before=Timestamp(before), after=0, limit=10)
            )
        ]

    assert await expired(later(hours=1).replace("+00:00", "Z")) == [unsaid["id"]]
    assert await expired(later(hours=6).replace("+00:00", "Z")) == [soon["id"], unsaid["id"]]


def test_within_the_hours_it_can_be_wanted_while_the_shop_is_closed() -> None:
    opening = Opening(hours=HOURS)
    with pytest.raises(ShopClosed):
        check_open(opening, BUYER, MONDAY, UTC)
    check_open(opening, BUYER, MONDAY, UTC, Timestamp("2026-12-07T09:00:00.000Z"))
    for closed in ("2026-12-07T12:00:00.000Z", "2026-12-09T09:30:00.000Z", "2026-12-07T08:59:59.000Z"):
        with pytest.raises(InvalidField, match="closed"):
            check_open(opening, BUYER, MONDAY, UTC, Timestamp(closed))
        check_open(opening, CLERK, MONDAY, UTC, Timestamp(closed))


def test_each_half_hour_within_the_hours_is_offered() -> None:
    times = order_times(Opening(hours=HOURS), Timestamp("2026-12-07T10:10:00.000Z"), UTC)
    assert [at[5:16] for at in times] == [
        "12-07T10:30", "12-07T11:00", "12-07T11:30", "12-08T09:00", "12-08T09:30", "12-14T09:00", "12-14T09:30",
        "12-14T10:00",
    ]  # fmt: skip
    for at in times:
        check_open(Opening(hours=HOURS), BUYER, Timestamp("2026-12-07T10:10:00.000Z"), UTC, at)


def test_a_shop_that_is_always_open_offers_a_week_of_half_hours() -> None:
    assert len(order_times(Opening(), MONDAY, UTC)) == 7 * 48
