from __future__ import annotations

from collections.abc import Mapping

import pytest

from ordercast.api import verify_token
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import CUSTOMER, DRIVER, SECRET, SERVICE, STORE, Client, bearer, over, problem, signed_in, token
from .test_refresh import cookie_of, refresh, sign_in

ADMIN = signed_in("admin", "usr_admin")
PATH = "/api/auth/revoke"


async def test_an_admin_revokes_one_token_by_its_name(client: Client, store: SqliteStore, settings: Settings) -> None:
    one, other = token("store"), token("store")
    (name,) = verify_token(SECRET, one).names
    answer = await client.post(PATH, {"name": name, "reason": "found in a log"}, ADMIN)
    assert answer.status_code == 200
    assert answer.json()["name"] == name
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/orders", bearer(one)), 401, "token-refused")
        assert (await Client(http).get("/api/orders", bearer(other))).status_code == 200


async def test_who_revoked_and_why_is_kept(client: Client, store: SqliteStore) -> None:
    await client.post(PATH, {"name": "cus_1", "reason": "asked by telephone"}, ADMIN)
    rows = await store.read(lambda t: t.all("SELECT name, until, actor, reason FROM revocations"))
    assert rows == [("cus_1", None, "admin:usr_admin", "asked by telephone")]


async def test_a_revoked_person_gets_no_fresh_token_by_their_cookie(client: Client) -> None:
    signed_in = (await sign_in(client, "customer")).json()
    assert (await client.post(PATH, {"name": signed_in["user"]["id"]}, ADMIN)).status_code == 200
    problem(await refresh(client), 401, "refresh-refused")
    assert (await sign_in(client, "customer")).status_code == 200
    assert (await refresh(client)).status_code == 200


async def test_a_revoked_sign_in_gets_none_either_and_others_do(client: Client) -> None:
    kept = cookie_of(await sign_in(client, "customer"))
    ended = await sign_in(client, "customer")
    (*_, name) = verify_token(SECRET, ended.json()["token"]).names
    assert (await client.post(PATH, {"name": name}, ADMIN)).status_code == 200
    problem(await refresh(client), 401, "refresh-refused")
    assert (await refresh(client, kept)).status_code == 200


@pytest.mark.parametrize("headers", [STORE, CUSTOMER, DRIVER, SERVICE], ids=["store", "customer", "driver", "service"])
async def test_nobody_else_may(client: Client, headers: Mapping[str, str]) -> None:
    problem(await client.post(PATH, {"name": "usr_1"}, headers), 403, "not-permitted")


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\nb"], ids=["empty", "blank", "long", "control"])
async def test_a_name_that_cannot_be_one_is_refused(client: Client, name: str) -> None:
    problem(await client.post(PATH, {"name": name}, ADMIN), 422, "invalid-field", "name")
