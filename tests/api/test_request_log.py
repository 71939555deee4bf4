from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ordercast.api import create_api
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.telemetry import REQUEST_LOG, LineFormatter, given_request_id
from tests.commerce.orders import request_json

from .client import PASSWORD, STORE, Client

Facts = dict[str, Any]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[logging.LogRecord]]:
    """What the request log holds so far."""
    monkeypatch.setattr(logging.getLogger(REQUEST_LOG), "propagate", True)
    caplog.set_level(logging.DEBUG, REQUEST_LOG)
    return lambda: [record for record in caplog.records if record.name == REQUEST_LOG]


def facts(records: list[logging.LogRecord]) -> list[Facts]:
    return [record.__dict__["facts"] for record in records]


async def test_a_sign_in_an_order_and_what_is_refused_leave_a_line(
    client: Client, lines: Callable[[], list[logging.LogRecord]]
) -> None:
    good = await client.post("/api/auth/login", {"email": "store@example.com", "password": PASSWORD})
    bad = await client.post("/api/auth/login", {"email": "store@example.com", "password": "not this one"})
    order = await client.place(STORE)
    await client.get(f"/api/orders/{order['id']}", STORE)
    await client.get("/api/nothing/ord_1?token=trk_secret")

    told = facts(lines())
    assert [(each["method"], each["route"], each["status"]) for each in told] == [
        ("POST", "/api/auth/login", 200),
        ("POST", "/api/auth/login", 401),
        ("POST", "/api/orders", 201),
        ("GET", "/api/orders/{order_id}", 200),
        ("GET", "-", 404),
    ]
    assert [each["request_id"] for each in told][:2] == [one.headers["x-request-id"] for one in (good, bad)]
    assert len({each["request_id"] for each in told}) == len(told)
    assert re.fullmatch(r"store:usr_\w+", told[0]["actor"])
    assert told[2]["actor"] == "store:usr_1"
    assert all(each["ms"] > 0 and each["caller"] for each in told)
    levels = [record.levelno for record in lines()]
    assert levels == [logging.INFO, logging.INFO, logging.INFO, logging.DEBUG, logging.INFO]


async def test_no_line_holds_a_token_or_what_somebody_typed(
    client: Client, lines: Callable[[], list[logging.LogRecord]]
) -> None:
    order = await client.place()
    await client.get(f"/api/orders/{order['id']}?token={order['trackingToken']}")
    await client.post("/api/auth/login", {"email": "asha@example.com", "password": "correct horse"})
    await client.post("/api/orders", {"customerInfo": {"name": "Asha"}})
    for form in ("console", "json"):
        text = "\n".join(LineFormatter(form).format(each) for each in lines())
        assert text.count("\n") == 3
        for secret in (order["trackingToken"], "asha", "Asha", "correct horse", order["id"]):
            assert secret not in text


@pytest.mark.parametrize(
    ("given", "proxied", "taken"),
    [
        (b"5f3c-1", True, "5f3c-1"),
        (b"5f3c-1", False, None),
        (b"", True, None),
        (b"a" * 129, True, None),
        (b"a b", True, None),
        (b"a\r\nSet-Cookie: x", True, None),
        ("ä".encode(), True, None),
    ],
)
def test_an_id_is_taken_from_a_named_proxy_where_it_is_one(given: bytes, proxied: bool, taken: str | None) -> None:
    assert given_request_id({"proxied": proxied, "headers": [(b"x-request-id", given)]}) == taken


async def test_every_answer_has_one_id_and_a_stranger_does_not_choose_it(
    store: SqliteStore, settings: Settings
) -> None:
    application: Any = create_api(settings, store)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:
        for path in ("/", "/api/products", "/docs", "/health/live"):
            answer = await http.get(path, headers={"X-Request-ID": "mine"})
            assert len(answer.headers.get_list("x-request-id")) == 1
            assert answer.headers["x-request-id"] != "mine"
        assert (await http.post("/api/orders", json=request_json())).headers["x-request-id"]


async def test_what_failed_is_found_by_its_id(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(store, "write", fails)
    failed = await client.post("/api/orders", request_json())
    assert f"request {failed.headers['x-request-id']} failed: POST /api/orders" in caplog.text
