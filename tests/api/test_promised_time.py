from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ordercast.config import Settings
from ordercast.db import Store
from ordercast.payments import Providers

from .client import CUSTOMER, STORE, Client, bearer, over, problem


def minutes_between(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() / 60


async def accepted(client: Client, minutes: int | None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    order = await client.place(headers or CUSTOMER)
    body = {"status": "processing", "version": 1} | ({} if minutes is None else {"preparationMinutes": minutes})
    answer = await client.post(f"/api/orders/{order['id']}/status", body, STORE)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def anew(client: Client, order: dict[str, Any], **changes: Any) -> Any:
    body = {"preparationMinutes": 45, "version": order["version"], "reason": "the oven is full", **changes}
    return await client.post(f"/api/orders/{order['id']}/promised-time", body, STORE)


async def test_whoever_accepts_an_order_says_when_it_will_be_ready(client: Client) -> None:
    order = await accepted(client, 20)
    assert minutes_between(order["updatedAt"], order["promisedAt"]) == 20
    history = (await client.get(f"/api/orders/{order['id']}/history", CUSTOMER)).json()["items"]
    assert [entry["promisedAt"] for entry in history] == [None, order["promisedAt"]]


async def test_nothing_is_promised_where_nobody_says_a_time(client: Client) -> None:
    assert (await client.place())["promisedAt"] is None
    assert (await accepted(client, None))["promisedAt"] is None


async def test_the_shops_default_is_promised_unless_a_time_is_said(
    settings: Settings, store: Store, providers: Providers
) -> None:
    async with over(Settings(**{**_values(settings), "preparation_minutes": 25}), store, providers) as http:
        client = Client(http)
        unsaid, said = await accepted(client, None), await accepted(client, 10)
        assert (await client.get("/api/config")).json()["preparationMinutes"] == 25
    assert minutes_between(unsaid["updatedAt"], unsaid["promisedAt"]) == 25
    assert minutes_between(said["updatedAt"], said["promisedAt"]) == 10


@pytest.mark.parametrize("minutes", [0, -5, 1_441, 2.5, "20", True])
async def test_a_time_beyond_a_day_or_none_at_all_is_refused_by_its_field(client: Client, minutes: Any) -> None:
    order = await client.place()
    body = {"status": "processing", "version": 1, "preparationMinutes": minutes}
    refused = await client.post(f"/api/orders/{order['id']}/status", body, STORE)
    problem(refused, 422, "invalid-field", "preparationMinutes")


async def test_a_time_is_promised_with_no_other_move(client: Client) -> None:
    order = await accepted(client, 20)
    body = {"status": "ready_for_delivery", "version": 2, "preparationMinutes": 5}
    refused = await client.post(f"/api/orders/{order['id']}/status", body, STORE)
    problem(refused, 422, "invalid-field", "preparationMinutes")
    moved = (await client.move(order, "ready_for_delivery", STORE)).json()
    assert moved["promisedAt"] == order["promisedAt"]


async def test_an_order_that_was_on_hold_keeps_its_time_unless_it_is_promised_anew(client: Client) -> None:
    order = await accepted(client, 20)
    held = (await client.move(order, "on_hold", STORE, reason="no rice")).json()
    back = (await client.move(held, "processing", STORE)).json()
    assert back["promisedAt"] == order["promisedAt"]
    held = (await client.move(back, "on_hold", STORE, reason="no rice")).json()
    body = {"status": "processing", "version": held["version"], "preparationMinutes": 60}
    again = (await client.post(f"/api/orders/{order['id']}/status", body, STORE)).json()
    assert minutes_between(again["updatedAt"], again["promisedAt"]) == 60


async def test_another_time_is_promised_with_a_reason_and_kept_in_the_history(client: Client) -> None:
    order = await accepted(client, 20)
    answer = await anew(client, order)
    later = answer.json()
    assert answer.status_code == 200, answer.text
    assert (later["status"], later["version"]) == ("processing", 3)
    assert minutes_between(later["updatedAt"], later["promisedAt"]) == 45
    history = (await client.get(f"/api/orders/{order['id']}/history", STORE)).json()["items"]
    assert [entry["promisedAt"] for entry in history] == [None, order["promisedAt"], later["promisedAt"]]
    assert (history[-1]["reason"], history[-1]["actor"]) == ("the oven is full", "store:usr_1")
    timeline = (await client.get(f"/api/orders/{order['id']}/timeline", STORE)).json()["items"]
    promised = [entry["promisedAt"] for entry in timeline if "promisedAt" in entry]
    assert promised == [order["promisedAt"], later["promisedAt"]]


async def test_another_time_needs_the_newest_version_a_reason_and_an_order_that_is_prepared(client: Client) -> None:
    order = await accepted(client, 20)
    problem(await anew(client, order, version=1), 409, "stale-version")
    problem(await anew(client, order, reason=" "), 422, "invalid-field", "reason")
    problem(await anew(client, order, reason="4242 4242 4242 4242"), 422, "card-number", "reason")
    problem(await anew(client, order, preparationMinutes=0), 422, "invalid-field", "preparationMinutes")
    problem(await anew(client, {**order, "id": "ord_none"}), 404, "not-found")
    ready = (await client.move(order, "ready_for_delivery", STORE)).json()
    refused = problem(await anew(client, ready), 409, "state-conflict")
    assert refused["current"] == "ready_for_delivery"


async def test_a_retried_request_promises_once(client: Client) -> None:
    order = await accepted(client, 20)
    body = {"preparationMinutes": 45, "version": 2, "reason": "the oven is full"}
    path, headers = f"/api/orders/{order['id']}/promised-time", {**STORE, "Idempotency-Key": "k_1"}
    first, second = await client.post(path, body, headers), await client.post(path, body, headers)
    assert first.json() == second.json()
    assert first.json()["version"] == 3


async def test_a_guest_reads_the_promised_time_by_the_tracking_link(client: Client) -> None:
    order = await client.place()
    body = {"status": "processing", "version": 1, "preparationMinutes": 15}
    moved = (await client.post(f"/api/orders/{order['id']}/status", body, STORE)).json()
    seen = (await client.get(f"/api/orders/{order['id']}", bearer(order["trackingToken"]))).json()
    assert seen["promisedAt"] == moved["promisedAt"] is not None


def _values(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}
