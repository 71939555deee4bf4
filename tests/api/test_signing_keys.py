"""What was made with a secret is good for as long as that secret is: the one that signs, or the one named before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import msgspec
import pytest

from ordercast.api.auth import delivery_code
from ordercast.api.signing_keys import SigningKeys, key_id
from ordercast.config import ConfigError, Settings, load
from ordercast.db import SqliteStore
from tests.commerce.orders import request_json

from .client import CUSTOMER, PASSWORD, SECRET, Client, bearer, over, problem
from .drivers_at_work import driver, given, hire, moved, ready

NEW = "quite another secret of thirty-two bytes"
KEY = {"Idempotency-Key": "8f14e45f-ceea-467f-ab1e-0e0c3e3b1b6f"}


@asynccontextmanager
async def shop(settings: Settings, store: SqliteStore, secret: str, previous: str = "") -> AsyncIterator[Client]:
    """The same shop, on a node that was started with this secret."""
    changed = msgspec.structs.replace(settings, secret=secret, secret_previous=previous)
    async with over(changed, store) as http:
        yield Client(http)


async def sign_in(client: Client) -> Any:
    return await client.post("/api/auth/login", {"email": "store@example.com", "password": PASSWORD})


async def refresh(client: Client, cookie: str) -> Any:
    client.http.cookies.clear()
    return await client.http.post("/api/auth/refresh", headers={"Cookie": f"ordercast_refresh={cookie}"})


@pytest.fixture
async def made(client: Client) -> dict[str, Any]:
    """What guests and staff were given before the secret was changed."""
    signed_in = await sign_in(client)
    order = (await client.post("/api/orders", request_json(), KEY)).json()
    token, cookie = signed_in.json()["token"], signed_in.cookies["ordercast_refresh"]
    return {"token": token, "cookie": cookie, "order": order}


async def test_all_that_a_secret_made_ends_with_it(
    settings: Settings, store: SqliteStore, made: dict[str, Any]
) -> None:
    order, path = made["order"], f"/api/orders/{made['order']['id']}"
    async with shop(settings, store, NEW) as client:
        problem(await client.get("/api/orders", bearer(made["token"])), 401, "token-refused")
        problem(await refresh(client, made["cookie"]), 401, "refresh-refused")
        problem(await client.get(path, bearer(order["trackingToken"])), 401, "token-refused")
        problem(await client.get(f"{path}?token={order['trackingToken']}"), 401, "token-refused")
    # The sign-in is over, not asleep: its cookie is worth nothing to whoever brings the old secret back.
    async with shop(settings, store, SECRET) as client:
        problem(await refresh(client, made["cookie"]), 401, "refresh-refused")


async def test_a_repeated_order_is_answered_with_a_token_that_opens_it(
    settings: Settings, store: SqliteStore, made: dict[str, Any]
) -> None:
    order, path = made["order"], f"/api/orders/{made['order']['id']}"
    async with shop(settings, store, NEW) as client:
        for _ in range(2):
            again = await client.post("/api/orders", request_json(), KEY)
            assert (again.json()["id"], again.headers["idempotency-replayed"]) == (order["id"], "true")
            assert again.json()["trackingToken"] != order["trackingToken"]
            assert (await client.get(path, bearer(again.json()["trackingToken"]))).status_code == 200
        problem(await client.get(path, bearer(order["trackingToken"])), 401, "token-refused")


async def test_a_previous_secret_keeps_good_what_it_made(
    settings: Settings, store: SqliteStore, made: dict[str, Any]
) -> None:
    order, path = made["order"], f"/api/orders/{made['order']['id']}"
    async with shop(settings, store, NEW, SECRET) as client:
        assert (await client.get("/api/orders", bearer(made["token"]))).status_code == 200
        assert (await client.get(path, bearer(order["trackingToken"]))).status_code == 200
        again = await client.post("/api/orders", request_json(), KEY)
        assert again.json()["trackingToken"] == order["trackingToken"]
        renewed = await refresh(client, made["cookie"])
        assert renewed.status_code == 200
    # What was renewed meanwhile is of the new secret, and stays when the overlap ends.
    async with shop(settings, store, NEW) as client:
        assert (await client.get("/api/orders", bearer(renewed.json()["token"]))).status_code == 200
        assert (await refresh(client, renewed.cookies["ordercast_refresh"])).status_code == 200
        problem(await client.get("/api/orders", bearer(made["token"])), 401, "token-refused")


async def test_tabs_that_refresh_at_once_on_nodes_of_either_secret_stay_signed_in(
    settings: Settings, store: SqliteStore, made: dict[str, Any]
) -> None:
    async with shop(settings, store, SECRET, NEW) as before, shop(settings, store, NEW, SECRET) as after:
        first, second = await refresh(after, made["cookie"]), await refresh(before, made["cookie"])
        assert first.cookies["ordercast_refresh"] == second.cookies["ordercast_refresh"]
        assert (await refresh(before, second.cookies["ordercast_refresh"])).status_code == 200


async def test_a_node_that_cannot_tell_the_next_cookie_ends_no_sign_in(
    settings: Settings, store: SqliteStore, made: dict[str, Any]
) -> None:
    async with shop(settings, store, SECRET) as before, shop(settings, store, NEW, SECRET) as after:
        first = await refresh(after, made["cookie"])
        problem(await refresh(before, made["cookie"]), 401, "refresh-refused")
        assert first.status_code == 200


async def test_a_code_that_the_buyer_was_shown_before_is_taken_at_the_door(
    settings: Settings, store: SqliteStore, client: Client
) -> None:
    await hire(store, "drv_a")
    order = await moved(
        client, await given(client, await ready(client), "drv_a"), "picked_up", "in_transit", by="drv_a"
    )
    code = (await client.get(f"/api/orders/{order['id']}/delivery", CUSTOMER)).json()["code"]
    assert code == delivery_code(SECRET, order["id"])
    async with shop(settings, store, NEW, SECRET) as later:
        proof = {"kind": "code", "value": code}
        headers = bearer(jwt_of(driver("drv_a")))
        delivered = await later.move(order, "delivered", headers, proof=proof)
        assert delivered.status_code == 200, delivered.text


def jwt_of(headers: Any) -> str:
    token: str = dict(headers)["Authorization"].removeprefix("Bearer ")
    return token


async def test_our_tokens_name_the_key_that_signed_them(settings: Settings, store: SqliteStore) -> None:
    async with shop(settings, store, NEW, SECRET) as client:
        token = (await sign_in(client)).json()["token"]
        assert jwt.get_unverified_header(token)["kid"] == key_id(NEW)
        # A back end names its keys as it likes, or not at all.
        for headers in ({}, {"kid": "mine"}, {"kid": key_id(NEW)}):
            for secret in (NEW, SECRET):
                claims = {"sub": "u1", "role": "store", "exp": 2**31}
                answer = await client.get("/api/orders", bearer(jwt.encode(claims, secret, "HS256", headers)))
                assert answer.status_code == (401 if headers.get("kid") == key_id(NEW) and secret == SECRET else 200)


async def test_who_was_forgotten_is_given_no_token_again(
    settings: Settings, store: SqliteStore, client: Client
) -> None:
    order = (await client.post("/api/orders", request_json(), KEY)).json()
    erase = "UPDATE orders SET tracking_hash = NULL WHERE id = :id"
    await store.write(lambda transaction: transaction.run(erase, id=order["id"]))
    assert "trackingToken" not in (await client.post("/api/orders", request_json(), KEY)).json()


def test_keys_do_not_show_themselves() -> None:
    assert SECRET not in repr(SigningKeys(SECRET, NEW))
    assert len({key_id(SECRET), key_id(NEW)}) == 2
    assert SigningKeys(SECRET).ids == (key_id(SECRET),)


@pytest.mark.parametrize("previous", ["short", NEW], ids=["short", "the same"])
def test_a_previous_secret_is_one_and_another(previous: str) -> None:
    with pytest.raises(ConfigError, match="ORDERCAST_SECRET_PREVIOUS") as caught:
        load({"ORDERCAST_SECRET": NEW, "ORDERCAST_SECRET_PREVIOUS": previous})
    assert previous not in str(caught.value)
