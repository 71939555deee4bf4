from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from ordercast.config import Settings
from ordercast.db import Store
from tests.notify.browsers import Browser

from .client import CUSTOMER, SECRET, SERVICE, STRANGER, Client, bearer, over, problem, token

PATH = "/api/push/subscriptions"
ENDPOINT = "https://push.example.com/send/abc"
KEYS = Browser(7, b"sixteen bytes ok").keys


def subscription(**changes: Any) -> dict[str, Any]:
    return {"endpoint": ENDPOINT, "expirationTime": None, "keys": KEYS, **changes}


async def subscribed(client: Client, headers: Mapping[str, str], **changes: Any) -> dict[str, Any]:
    answer = await client.post(PATH, subscription(**changes), headers)
    assert answer.status_code == 201, answer.text
    device: dict[str, Any] = answer.json()
    return device


async def devices(client: Client, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    answer = await client.get(PATH, headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def unsubscribed(client: Client, headers: Mapping[str, str], body: dict[str, Any]) -> httpx.Response:
    return await client.http.request("DELETE", PATH, json=body, headers=dict(headers))


# --- The key ----------------------------------------------------------------------------------------------------------


async def test_anybody_is_told_the_key_that_browsers_subscribe_with(client: Client) -> None:
    answer = await client.get("/api/push/key")
    assert answer.status_code == 200
    assert len(answer.json()["key"]) == 87
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_shop_that_pushes_to_nobody_says_so(store: Store) -> None:
    async with over(Settings(secret=SECRET, budgets="off", push="off"), store) as http:
        client = Client(http)
        problem(await client.get("/api/push/key"), 409, "no-push")
        problem(await client.post(PATH, subscription(), CUSTOMER), 409, "no-push")
        assert (await client.get("/health/ready")).json()["off"] == ["push"]


# --- Subscribing ------------------------------------------------------------------------------------------------------


async def test_a_browser_that_asks_again_is_there_once(client: Client) -> None:
    first = await subscribed(client, CUSTOMER, language="bn-BD")
    second = await subscribed(client, CUSTOMER, language="bn-BD")
    assert first["id"] == second["id"]
    (device,) = await devices(client, CUSTOMER)
    assert device["service"] == "push.example.com"
    assert device["language"] == "bn-BD"
    assert ENDPOINT not in (await client.get(PATH, CUSTOMER)).text


async def test_the_same_request_with_its_key_is_answered_once(client: Client) -> None:
    headers = {**CUSTOMER, "Idempotency-Key": "once"}
    first, second = [await client.post(PATH, subscription(), headers) for _ in range(2)]
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"


async def test_a_browser_is_whose_who_asked_last_on_it(client: Client) -> None:
    await subscribed(client, CUSTOMER)
    await subscribed(client, STRANGER)
    assert await devices(client, CUSTOMER) == []
    assert len(await devices(client, STRANGER)) == 1


async def test_a_guests_orders_are_followed_on_a_browser_beside_whoever_signs_in_on_it(client: Client) -> None:
    first, second = [bearer((await client.place())["trackingToken"]) for _ in range(2)]
    for headers in (first, CUSTOMER, second):
        await subscribed(client, headers)
    for headers in (first, CUSTOMER, second):
        assert len(await devices(client, headers)) == 1
    anew = subscription(endpoint="https://push.example.com/send/new", replaces=ENDPOINT)
    assert (await client.post(PATH, anew)).status_code == 201
    for headers in (first, CUSTOMER, second):
        assert len(await devices(client, headers)) == 1
    await unsubscribed(client, first, {"endpoint": anew["endpoint"]})
    assert [len(await devices(client, headers)) for headers in (first, CUSTOMER, second)] == [0, 1, 1]


@pytest.mark.parametrize("how", ["endpoint", "id"])
async def test_one_ends_it_on_ones_own_browsers_alone(client: Client, how: str) -> None:
    device = await subscribed(client, CUSTOMER)
    body = {"endpoint": ENDPOINT} if how == "endpoint" else {"id": device["id"]}
    assert (await unsubscribed(client, STRANGER, body)).status_code == 204
    assert len(await devices(client, CUSTOMER)) == 1
    for _ in range(2):
        assert (await unsubscribed(client, CUSTOMER, body)).status_code == 204
    assert await devices(client, CUSTOMER) == []


@pytest.mark.parametrize("body", [{}, {"endpoint": ENDPOINT, "id": "cpt_1"}])
async def test_a_browser_is_named_in_one_way(client: Client, body: dict[str, Any]) -> None:
    problem(await unsubscribed(client, CUSTOMER, body), 422, "invalid-field", "endpoint")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"endpoint": ""}, "endpoint"),
    ({"endpoint": "http://push.example.com/x"}, "endpoint"),
    ({"endpoint": "https://127.0.0.1/x"}, "endpoint"),
    ({"endpoint": "https://localhost/x"}, "endpoint"),
    ({"endpoint": "https://[::ffff:10.0.0.1]/x"}, "endpoint"),
    ({"endpoint": "https://user@push.example.com/x"}, "endpoint"),
    ({"endpoint": "https://push.example.com/" + "x" * 2_000}, "endpoint"),
    ({"endpoint": "https://push.example.com/\x00"}, "endpoint"),
    ({"endpoint": 5}, "endpoint"),
    ({"keys": {"p256dh": KEYS["p256dh"]}}, "keys.auth"),
    ({"keys": {**KEYS, "p256dh": "AAAA"}}, "keys.p256dh"),
    ({"keys": {**KEYS, "auth": "AAAA"}}, "keys.auth"),
    ({"keys": {**KEYS, "auth": "\N{BENGALI LETTER KA}" * 22}}, "keys.auth"),
    ({"keys": None}, "keys"),
    ({"language": "not a language"}, "language"),
    ({"language": "en\n"}, "language"),
    ({"expirationTime": "soon"}, "expirationTime"),
]


async def test_what_is_no_subscription_is_named(client: Client) -> None:
    for changes, field in WRONG:
        problem(await client.post(PATH, subscription(**changes), CUSTOMER), 422, "invalid-field", field)


@pytest.mark.parametrize("role", ["customer", "driver"])
async def test_nobody_becomes_the_shop_or_a_guest_by_being_called_so(client: Client, role: str) -> None:
    for name in ("store", "guest:ord_1"):
        problem(await client.post(PATH, subscription(), bearer(token(role, name))), 403, "not-permitted")


async def test_who_has_no_token_and_who_is_a_program_are_refused(client: Client) -> None:
    problem(await client.post(PATH, subscription()), 401, "sign-in-required")
    problem(await client.post(PATH, subscription(), SERVICE), 403, "not-permitted")


# --- When a subscription changes --------------------------------------------------------------------------------------


async def test_a_service_worker_that_knows_the_former_url_puts_another_in_its_place(client: Client) -> None:
    await subscribed(client, CUSTOMER, language="bn")
    anew = subscription(endpoint="https://push.example.com/send/new", replaces=ENDPOINT)
    assert (await client.post(PATH, anew)).status_code == 201
    (device,) = await devices(client, CUSTOMER)
    assert device["language"] == "bn"
    # It is good once.
    problem(await client.post(PATH, anew), 401, "sign-in-required")


async def test_who_guesses_at_urls_is_refused(client: Client) -> None:
    guess = subscription(replaces="https://push.example.com/send/guess")
    problem(await client.post(PATH, guess), 401, "sign-in-required")
    assert (await client.post(PATH, guess, CUSTOMER)).status_code == 201
