from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.commerce.orders import PRODUCTS, request_json

from .client import CUSTOMER, SERVICE, STORE, Client, problem
from .stores import AnyStore

SAMOSA = PRODUCTS["samosa"].id


def in_minutes(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def pause(client: Client, **body: Any) -> dict[str, Any]:
    answer = await client.post("/api/shop/pause", body, STORE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def opens_in_two_days(client: Client) -> str:
    """Have the shop open once a week, and closed whenever this runs."""
    day = datetime.now(UTC) + timedelta(days=2)
    hours = {f"{day:%A}".lower(): [{"from": "11:00", "to": "14:00"}]}
    answer = await client.http.put("/api/shop/hours", json={"hours": hours, "version": 0}, headers=STORE)
    assert answer.status_code == 200, answer.text
    return f"{day:%Y-%m-%d}T11:00:00.000Z"


async def test_a_shop_is_open_at_first(client: Client) -> None:
    found = (await client.get("/api/shop/opening")).json()
    assert (found["isOpen"], found["hours"], found["paused"], found["version"]) == (True, None, False, 0)
    assert (found["closedFor"], found["opensAt"], found["closesAt"]) == (None, None, None)


@pytest.mark.parametrize("who", [None, CUSTOMER], ids=["guest", "customer"])
async def test_while_it_is_paused_buyers_are_refused_and_told_until_when(client: Client, who: Any) -> None:
    paused = await pause(client, minutes=15, reason="Too many orders")
    assert (paused["isOpen"], paused["closedFor"], paused["opensAt"]) == (False, "paused", paused["pausedUntil"])
    refused = problem(await client.post("/api/orders", request_json(), who), 409, "shop-closed")
    assert (refused["closedFor"], refused["opensAt"]) == ("paused", paused["pausedUntil"])
    assert "Too many orders" in refused["detail"]
    resumed = await client.post("/api/shop/resume", {}, SERVICE)
    assert resumed.json()["isOpen"] is True
    await client.place(who)


async def test_nothing_is_charged_while_it_is_paused(client: Client, store: AnyStore) -> None:
    await pause(client)
    body = request_json(paymentInfo={"method": "card", "token": "tok_visa"})
    refused = problem(await client.post("/api/orders", body), 409, "shop-closed")
    assert "opensAt" not in refused
    assert await store.read(lambda transaction: transaction.all("SELECT * FROM payments")) == []


async def test_the_shops_people_order_for_somebody_while_it_is_paused(client: Client) -> None:
    await pause(client)
    await client.place(STORE)


async def test_a_retry_of_an_order_that_was_taken_is_answered_while_it_is_paused(client: Client) -> None:
    headers = {**CUSTOMER, "Idempotency-Key": "k_1"}
    first = await client.post("/api/orders", request_json(), headers)
    await pause(client)
    assert (await client.post("/api/orders", request_json(), headers)).json() == first.json()


async def test_a_pause_until_a_moment_ends_then(client: Client) -> None:
    until = in_minutes(30)
    assert (await pause(client, until=until))["opensAt"] == until
    for body, field in (
        ({"until": in_minutes(-1)}, "until"),
        ({"until": in_minutes(5), "minutes": 5}, "until"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 10_081}, "minutes"),
        ({"reason": "x" * 201}, "reason"),
    ):
        problem(await client.post("/api/shop/pause", body, STORE), 422, "invalid-field", field)


async def test_outside_of_its_hours_buyers_are_refused_and_told_when_it_opens(client: Client) -> None:
    opens = await opens_in_two_days(client)
    found = (await client.get("/api/shop/opening")).json()
    assert (found["closedFor"], found["opensAt"]) == ("hours", opens)
    refused = problem(await client.post("/api/orders", request_json()), 409, "shop-closed")
    assert (refused["closedFor"], refused["opensAt"]) == ("hours", opens)
    stale = await client.http.put("/api/shop/hours", json={"hours": None, "version": 0}, headers=STORE)
    problem(stale, 409, "stale-version")
    again = await client.http.put("/api/shop/hours", json={"hours": None, "version": 1}, headers=STORE)
    assert again.json()["isOpen"] is True
    await client.place()


async def test_hours_that_overlap_or_end_before_they_begin_are_refused_by_their_field(client: Client) -> None:
    for monday, field in (
        ([{"from": "14:00", "to": "11:00"}], "hours.monday[0].to"),
        ([{"from": "11:00", "to": "14:00"}, {"from": "13:00", "to": "15:00"}], "hours.monday[1].from"),
        ([{"from": "25:00", "to": "26:00"}], "hours.monday[0].from"),
    ):
        body = {"hours": {"monday": monday}, "version": 0}
        answer = await client.http.put("/api/shop/hours", json=body, headers=STORE)
        problem(answer, 422, "invalid-field", field)


async def test_what_is_sold_out_today_cannot_be_ordered_until_the_next_opening(client: Client) -> None:
    until = await opens_in_two_days(client)
    answer = await client.post(f"/api/products/{SAMOSA}/sold-out", {"soldOut": True}, STORE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["soldOutUntil"] == until
    assert answer.json()["stock"] > 0
    assert (await client.get(f"/api/products/{SAMOSA}")).json()["soldOutUntil"] == until
    refused = await client.post("/api/orders", request_json(), STORE)
    assert problem(refused, 409, "out-of-stock", "cartItems[0].quantity")["left"] == 0
    quote = {"cartItems": request_json()["cartItems"]}
    problem(await client.post("/api/checkout/quote", quote), 409, "out-of-stock", "cartItems[0].quantity")
    back = await client.post(f"/api/products/{SAMOSA}/sold-out", {"soldOut": False}, SERVICE)
    assert back.json()["soldOutUntil"] is None
    await client.place(STORE)
    problem(await client.post("/api/products/prd_none/sold-out", {"soldOut": True}, STORE), 404, "not-found")


async def test_hours_that_another_program_broke_close_nothing(client: Client, store: AnyStore) -> None:
    broken = "INSERT INTO shop_opening (id, hours) VALUES (1, '{\"monday\":7}')"
    await store.write(lambda transaction: transaction.run(broken))
    await client.place()
    assert (await client.get("/api/shop/opening")).json()["isOpen"] is True
