from __future__ import annotations

import re

import httpx
import msgspec
import pytest
from litestar import Response

from ordercast.api import create_api
from ordercast.api.pages import PAGES, Pages, connect_sources
from ordercast.api.responses import json_response
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import CUSTOMER, STORE, Client, over, signed_in


async def test_what_is_personal_is_kept_by_nobody(client: Client) -> None:
    order = await client.place()
    admin = signed_in("admin")
    asked = [
        ("/api/orders", STORE), (f"/api/orders/{order['id']}", STORE), (f"/api/orders/{order['id']}/history", STORE),
        (f"/api/orders/{order['id']}?token={order['trackingToken']}", {}), ("/api/stats", STORE),
        ("/api/notifications", STORE), ("/api/drivers", STORE), ("/api/accounts", admin), ("/api/profile", CUSTOMER),
        ("/api/orders", {}), ("/api/nothing", {}), ("/api/products", {}),
    ]  # fmt: skip
    for path, headers in asked:
        answer = await client.get(path, headers)
        assert answer.headers["cache-control"] == "no-store", path
    placed = await client.post("/api/auth/login", {"email": "nobody@example.com", "password": "x"})
    assert placed.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("headers", [None, {}, {"Cache-Control": "no-store"}])
def test_an_answer_that_is_json_already_has_all_that_one_of_the_framework_has(headers: dict[str, str] | None) -> None:
    ours = json_response(b"{}", status_code=201, headers=headers)
    theirs = Response(b"{}", status_code=201, headers=headers, media_type="application/json")
    for name in Response.__slots__:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.headers is not headers


async def test_every_answer_says_what_it_is_and_where_it_came_from_to_nobody(client: Client) -> None:
    asked = ["/", "/docs", "/openapi.json", "/nothing", "/api/products", "/health/live", "/track/ord_1?token=trk_x"]
    for path in asked:
        answer = await client.get(path)
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"], path
        assert answer.headers.get_list("referrer-policy") == ["no-referrer"], path
        assert "strict-transport-security" not in answer.headers
    preflight = await client.http.options("/api/orders", headers={"Origin": "https://evil.example"})
    assert preflight.headers["x-content-type-options"] == "nosniff"
    assert (await client.http.head("/api/products")).headers["x-content-type-options"] == "nosniff"
    assert (await client.http.delete("/api/products")).headers["x-content-type-options"] == "nosniff"


async def test_a_page_that_was_opened_with_a_token_is_not_kept(store: SqliteStore, settings: Settings) -> None:
    application = create_api(settings, store, pages=Pages())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:  # type: ignore[arg-type]
        page = await http.get("/track/ord_1?token=trk_x")
        plain = await http.get("/track/ord_1")
        again = await http.get("/track/ord_1", headers={"If-None-Match": plain.headers["etag"]})
    assert page.headers.get_list("cache-control") == ["no-store"]
    assert "etag" not in page.headers
    assert plain.headers["cache-control"] == "no-cache"
    assert again.status_code == 304


async def test_behind_https_browsers_are_told_to_stay_there(store: SqliteStore, settings: Settings) -> None:
    async with over(settings, store) as http:
        answer = await http.get("https://shop.test/health/live")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "strict-transport-security" not in (await http.get("/health/live")).headers
    async with over(msgspec.structs.replace(settings, hsts_s=0), store) as http:
        assert "strict-transport-security" not in (await http.get("https://shop.test/health/live")).headers


@pytest.mark.parametrize(
    ("socket_url", "sources"),
    [
        ("", "'self'"),
        ("wss://live.example.com/x", "'self' https://live.example.com wss://live.example.com"),
        ("http://10.0.0.1:3000", "'self' http://10.0.0.1:3000 ws://10.0.0.1:3000"),
    ],
)
def test_pages_connect_to_what_is_configured(socket_url: str, sources: str) -> None:
    assert connect_sources(Settings(socket_url=socket_url)) == sources


async def test_the_pages_policy_names_where_they_connect(store: SqliteStore, settings: Settings) -> None:
    application = create_api(settings, store, pages=Pages(connect="'self' wss://live.example.com"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:  # type: ignore[arg-type]
        for path in ("/", "/shop", "/admin", "/track/ord_1"):
            policy = (await http.get(path)).headers["content-security-policy"]
            assert "connect-src 'self' wss://live.example.com;" in policy
        # The one that is there to try any server.
        assert "connect-src *;" in (await http.get("/test-socket")).headers["content-security-policy"]


async def test_the_documents_page_runs_its_own_script_alone(client: Client) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/=]+';", policy)
    assert "unsafe-inline" not in policy


async def test_the_pages_come_with_the_notices_of_what_is_bundled(store: SqliteStore, settings: Settings) -> None:
    assert (PAGES / "index.html").is_file(), "run `make pages`"
    application = create_api(settings, store, pages=Pages())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:  # type: ignore[arg-type]
        notices = (await http.get("/licenses.md")).text
    for bundled in ("react", "react-dom", "@tanstack/react-query", "socket.io-client", "wouter", "zustand"):
        assert f"## {bundled} " in notices, bundled
    assert notices.count("Permission is hereby granted") > 5
