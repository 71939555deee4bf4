"""Text that one of the databases does not take is refused by both, and is no fault of ours."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import psycopg
import pytest

from ordercast.config import Settings
from ordercast.db import Unstorable
from ordercast.payments import providers_of
from ordercast.protocol.json import decode_json
from tests.commerce.orders import request_json

from .client import CUSTOMER, DRIVER, SERVICE, STORE, Client, bearer, over, problem, signed_in, token
from .stores import AnyStore

NUL = "a\x00b"
ADMIN = signed_in("admin")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    store: AnyStore = request.getfixturevalue(f"{request.param}_store")
    return store


@pytest.fixture
async def client(store: AnyStore, settings: Settings) -> AsyncIterator[Client]:
    async with over(settings, store, providers_of(settings, store)) as http:
        yield Client(http)


# --- Addresses --------------------------------------------------------------------------------------------------------

PATHS: list[tuple[str, str, Mapping[str, str], Any]] = [
    ("GET", "/api/orders/{}", STORE, None),
    ("GET", "/api/orders/{}/history", STORE, None),
    ("GET", "/api/orders/{}/delivery", CUSTOMER, None),
    ("POST", "/api/orders/{}/status", STORE, {"status": "processing", "version": 1}),
    ("POST", "/api/orders/{}/driver", STORE, {"driverId": "drv_1", "version": 1}),
    ("POST", "/api/orders/{}/refunds", STORE, {"version": 1}),
    ("POST", "/api/drivers/{}/duty", DRIVER, {"onDuty": True}),
    ("GET", "/api/products/{}", STORE, None),
    ("PATCH", "/api/products/{}", STORE, {"version": 1, "price": 5}),
    ("PATCH", "/api/promotions/{}", STORE, {"version": 1, "active": False}),
    ("GET", "/api/customers/{}/export", ADMIN, None),
    ("POST", "/api/customers/{}/erase", ADMIN, None),
    ("POST", "/api/payment-mismatches/{}/resolve", STORE, {"note": "seen"}),
    ("DELETE", "/api/payment-methods/{}", CUSTOMER, None),
    ("POST", "/api/accounts/{}", ADMIN, {"active": False}),
    ("POST", "/api/payments/webhook/{}", {}, {}),
]


async def test_an_address_with_a_nul_leads_nowhere(client: Client) -> None:
    for method, path, headers, body in PATHS:
        for given in ("%00", "ord_1%00", "%00/%00"):
            answer = await client.http.request(method, path.format(given), headers=headers, json=body)
            assert answer.status_code in {404, 405}, (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["orders", "products", "drivers", "accounts", "promotions", "notifications", "stats"])
async def test_a_query_with_a_nul_names_its_parameter(client: Client, path: str) -> None:
    for query, field in (("cursor=%00", "cursor"), ("limit=5&cursor=a%00b", "cursor"), ("a%5Bb=%00", "a[b")):
        problem(await client.get(f"/api/{path}?{query}", ADMIN), 422, "invalid-field", field)
    problem(await client.get("/api/stats?%00=1", ADMIN), 422, "invalid-field")


# --- Bodies and tokens ------------------------------------------------------------------------------------------------


async def test_nobody_is_called_by_a_nul(client: Client) -> None:
    for email in (NUL, "\x00", "store@example.com\x00", "store@example.com\n"):
        answer = await client.post("/api/auth/login", {"email": email, "password": "x"})
        problem(answer, 422, "invalid-field", "email")
    answer = await client.post("/api/auth/login", {"email": "store@example.com", "password": NUL})
    problem(answer, 401, "sign-in-refused")
    order = await client.place()
    answer = await client.post(f"/api/orders/{order['id']}/driver", {"driverId": NUL, "version": 1}, STORE)
    problem(answer, 422, "invalid-field", "driverId")


@pytest.mark.parametrize("role", ["customer", "driver", "store", "service", "admin"])
@pytest.mark.parametrize("sub", [NUL, "\ud800"])
async def test_a_token_that_names_nobody_who_could_be_kept_is_refused(client: Client, role: str, sub: str) -> None:
    headers = bearer(token(role, sub))
    for path in ("/api/orders", "/api/notifications", "/api/me", "/api/me/export", "/api/payment-methods"):
        answer = await client.get(path, headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), path
        assert answer.json()["code"] in {"token_invalid", "token_malformed"}


# --- What back ends publish -------------------------------------------------------------------------------------------


async def test_what_is_published_is_kept_to_the_letter(client: Client, store: AnyStore) -> None:
    """JSON of any kind: a NUL, names in their own order, and numbers that no column of numbers would hold."""
    args = b'[{"b":1,"a":[1e308,-0.0,"a\\u0000b"]},{"\\u0000":2},1e-320,123456789012345678901234567890]'
    content = b'{"event":"hi","rooms":["a"],"args":%s}' % args
    headers = {"Content-Type": "application/json", **SERVICE}
    assert (await client.http.post("/api/emit", content=content, headers=headers)).status_code == 202
    booking = {"userId": "u1", NUL: NUL}
    answer = await client.post("/emit-booking", booking, SERVICE)
    assert answer.status_code == 202, answer.text
    kept = await store.read(lambda transaction: transaction.all("SELECT after FROM feed ORDER BY 1"))
    told = {event["event"]: event for (event,) in (map(msgspec.json.decode, row) for row in kept)}
    assert told["hi"]["args"] == msgspec.json.decode(args)
    assert list(told["hi"]["args"][0]) == ["b", "a"]
    assert told["new_booking"]["args"] == [booking]
    assert max(len(after) for (after,) in kept) < 200


# --- What none of these rules knows of --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["\ud800", 2**63, 10**30])
async def test_what_the_database_cannot_hold_is_refused_and_noted(
    client: Client, store: AnyStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    statement = "INSERT INTO meta (name, value) VALUES ('x', CAST(:v AS bigint))"
    if not hasattr(store, "path"):
        statement = "INSERT INTO meta (name, value) VALUES ('x', CAST(%(v)s AS bigint))"
    for work in (store.write, store.read):
        with pytest.raises(Unstorable):
            await work(lambda transaction: transaction.run(statement, v=value))
        with pytest.raises(Unstorable):
            await work(lambda transaction: transaction.one(statement, v=value))
        with pytest.raises(Unstorable):
            await work(lambda transaction: transaction.all(statement, v=value))
    assert await store.write(lambda transaction: transaction.one("SELECT 1")) == (1,)

    async def fail(*_: object) -> None:
        raise Unstorable from psycopg.DataError("no such text")

    monkeypatch.setattr(store, "read", fail)
    with caplog.at_level(logging.WARNING):
        answer = await client.get("/api/products")
    problem(answer, 422, "invalid-field")
    assert "no such text" not in answer.text
    assert "GET /api/products did not reject a value that the database cannot store" in caplog.text


# --- One rule for what a person may type ------------------------------------------------------------------------------


async def test_half_an_emoji_is_taken_by_both_doors_alike(client: Client) -> None:
    body = msgspec.json.encode(request_json()).replace(b"Asha Rahman", b"Asha \\ud83d")
    headers = {"Content-Type": "application/json"}

    order = (await client.http.post("/api/orders", content=body, headers=headers)).json()

    assert order["customerInfo"]["name"] == decode_json(b'"Asha \\ud83d"') == "Asha \ufffd"


@pytest.mark.parametrize("name", ["   ", "\u200b", "\u200d", "Asha\u202e", "\u2066Asha", "\u3164"], ids=ascii)
async def test_a_name_that_cannot_be_read_is_refused_at_every_door(client: Client, name: str) -> None:
    for path, body, headers, field in (
        (
            "/api/orders",
            request_json(customerInfo={"name": name, "email": "a@b.cd", "mobile": "+8801700000000"}),
            None,
            "customerInfo.name",
        ),
        (
            "/api/auth/register",
            {"email": "new@example.com", "name": name, "password": "a long password"},
            None,
            "name",
        ),
        (
            "/api/accounts",
            {"email": "new@example.com", "name": name, "role": "store", "password": "a long password"},
            ADMIN,
            "name",
        ),
    ):
        problem(await client.post(path, body, headers), 422, "invalid-field", field)
