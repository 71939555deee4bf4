"""A client of the API as tests want it: short calls, and refusals read with their promise checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from ordercast.config import Settings
from ordercast.db import Store
from ordercast.payments import Providers
from tests.commerce.orders import request_json
from tests.tokens import SignedIn, make_token

from .applications import Transport

SECRET = "a secret of at least thirty-two bytes"
PASSWORD = "correct horse"


def token(role: str, sub: str = "usr_1", ttl_s: int | None = None) -> str:
    return make_token(SECRET, role, sub, ttl_s)


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def signed_in(role: str, sub: str = "usr_1") -> SignedIn:
    return SignedIn(SECRET, role, sub)


NOBODY: Mapping[str, str] = {}
STORE: Mapping[str, str] = signed_in("store")
SERVICE: Mapping[str, str] = signed_in("service", "backend")
CUSTOMER: Mapping[str, str] = signed_in("customer", "cus_1")
STRANGER: Mapping[str, str] = signed_in("customer", "cus_2")
DRIVER: Mapping[str, str] = signed_in("driver", "drv_1")


def over(settings: Settings, store: Store, providers: Providers | None = None) -> httpx.AsyncClient:
    """An HTTP client that calls the application directly."""
    return httpx.AsyncClient(transport=Transport(settings, store, providers), base_url="http://shop.test")


class Client:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.http.post(path, json=body, headers=headers)

    async def patch(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.http.patch(path, json=body, headers=headers)

    async def place(self, headers: Mapping[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """Place an order that is taken."""
        response = await self.post("/api/orders", request_json(**changes), headers)
        assert response.status_code == 201, response.text
        order: dict[str, Any] = response.json()
        return order

    async def move(
        self, order: dict[str, Any], status: str, headers: Mapping[str, str] = STORE, **more: Any
    ) -> httpx.Response:
        body = {"status": status, "version": order["version"], **more}
        return await self.post(f"/api/orders/{order['id']}/status", body, headers)


def problem(response: httpx.Response, status: int, kind: str, field: str | None = None) -> dict[str, Any]:
    """Read a refusal, and hold it to RFC 9457 and to what we promise of it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"/problems/{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith(".")
    assert body.get("field") == field, body
    return body
