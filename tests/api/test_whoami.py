"""Who a token is over HTTP; a role of a mapping file's own is nobody to the shop of ours."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from ordercast.api import Authenticator, create_api
from ordercast.api.claims import ClaimNames
from ordercast.attach.claim_rooms import ClaimRooms
from ordercast.attach.templates import parse
from ordercast.config import Settings
from ordercast.db import Store

from .client import NOBODY, SECRET, STORE, Client, bearer

GRANTS = ClaimRooms({"vendor": (parse("vendor_{vendorId}"),), "store": (parse("branch_{branch}"),)})


def signed(role: str, **claims: Any) -> dict[str, str]:
    claims = {"sub": "v1", "role": role, "exp": int(time.time()) + 3600, **claims}
    return bearer(jwt.encode(claims, SECRET, "HS256"))


@pytest.fixture
async def attached(settings: Settings, store: Store) -> AsyncIterator[Client]:
    """A shop with a mapping file beside it."""
    authenticator = Authenticator(SECRET, store, None, ClaimNames(grants=GRANTS))
    application = create_api(settings, store, authenticator=authenticator)
    transport = httpx.ASGITransport(application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield Client(http)


async def test_whoami_tells_role_and_rooms_of_a_token(attached: Client, client: Client) -> None:
    me = (await attached.get("/api/whoami", signed("vendor", vendorId=[7, 8], name="Zoe"))).json()
    assert me == {
        "id": "v1",
        "role": "vendor",
        "name": "Zoe",
        "rooms": [
            {"room": f"vendor_{number}", "reason": "claim", "by": "vendor: vendor_{vendorId}"} for number in (7, 8)
        ],
        "expiresAt": me["expiresAt"],
    }
    rooms = (await attached.get("/api/whoami", signed("store", branch="b"))).json()["rooms"]
    assert [(each["room"], each["reason"]) for each in rooms] == [
        ("store-owners", "role"), ("user_v1", "role"), ("branch_b", "claim"),
    ]  # fmt: skip
    assert (await client.get("/api/whoami", STORE)).json()["role"] == "store"
    assert (await client.get("/api/whoami", NOBODY)).status_code == 401
    assert (await client.get("/api/whoami", signed("vendor"))).status_code == 401


async def test_a_role_of_the_files_own_may_do_in_our_shop_what_anybody_may(attached: Client) -> None:
    vendor = signed("vendor", vendorId=7)
    for path in ("/api/orders", "/api/me", "/api/notifications", "/api/conversations", "/api/stats", "/api/accounts"):
        answer = await attached.get(path, vendor)
        assert (answer.status_code, answer.json()["detail"]) == (
            403, "The role vendor may not use the shop of ours.",
        ), path  # fmt: skip
    order = await attached.place(vendor)
    assert order["customerId"] != "v1"
    assert "trackingToken" in order
    assert (await attached.get(f"/api/orders/{order['id']}", vendor)).status_code == 403
    assert (await attached.get("/api/products", vendor)).status_code == 200
    assert (await attached.post("/api/emit", {"event": "e", "rooms": ["a"], "args": []}, vendor)).status_code == 403
