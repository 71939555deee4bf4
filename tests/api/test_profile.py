from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import CUSTOMER, PASSWORD, Client, bearer, over, problem
from .test_refresh import cookie_of, refresh, sign_in

PATH = "/api/auth/register"
ASHA = {"email": "Asha@Example.com", "name": "Asha Rahman", "password": "a fine password"}


async def test_who_registers_can_sign_in_and_order(client: Client) -> None:
    answer = await client.post(PATH, ASHA)
    assert answer.status_code == 201
    user = answer.json()
    assert (user["email"], user["name"], user["role"]) == ("asha@example.com", "Asha Rahman", "customer")
    assert user["id"].startswith("cus_")
    assert "set-cookie" not in answer.headers
    login = await client.post("/api/auth/login", {"email": "asha@example.com", "password": "a fine password"})
    order = await client.place(bearer(login.json()["token"]))
    assert order["customerId"] == user["id"]


async def test_without_mail_a_taken_address_is_refused_in_any_case_and_its_account_stays(
    store: SqliteStore, settings: Settings
) -> None:
    async with over(msgspec.structs.replace(settings, mail_url="off"), store) as http:
        client = Client(http)
        problem(await client.post(PATH, {**ASHA, "email": "CUSTOMER@example.com"}), 409, "address-taken", "email")
        assert (await sign_in(client, "customer")).status_code == 200
        assert (await client.post(PATH, ASHA)).status_code == 201
        problem(await client.post(PATH, {**ASHA, "name": "Another"}), 409, "address-taken", "email")


async def test_a_registration_sent_twice_with_its_key_is_done_once(client: Client, store: SqliteStore) -> None:
    key = {"Idempotency-Key": "a-registration"}
    first = await client.post(PATH, ASHA, key)
    again = await client.post(PATH, ASHA, key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    (kept,) = await store.read(lambda t: t.all("SELECT * FROM idempotency"))
    assert ASHA["password"] not in repr(kept)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"email": "no address"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"role": "admin"}, "role"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, change: dict[str, Any], field: str) -> None:
    body = problem(await client.post(PATH, {**ASHA, **change}), 422, "invalid-field", field)
    assert "short" not in body["detail"]


# --- The password -----------------------------------------------------------------------------------------------------


async def test_another_password_ends_what_the_former_one_opened(
    client: Client, store: SqliteStore, settings: Settings
) -> None:
    elsewhere = await sign_in(client)
    mine = await sign_in(client)
    body = {"current": PASSWORD, "new": "another fine one"}
    answer = await client.post("/api/auth/password", body, bearer(mine.json()["token"]))
    assert answer.status_code == 200
    async with over(settings, store) as http:
        for former in (elsewhere, mine):
            problem(await Client(http).get("/api/me", bearer(former.json()["token"])), 401, "token-refused")
        assert (await Client(http).get("/api/me", bearer(answer.json()["token"]))).status_code == 200
        problem(await refresh(Client(http), cookie_of(elsewhere)), 401, "refresh-refused")
        assert (await refresh(Client(http), cookie_of(answer))).status_code == 200
        old = {"email": "store@example.com", "password": PASSWORD}
        problem(await Client(http).post("/api/auth/login", old), 401, "sign-in-refused")
        new = {"email": "store@example.com", "password": "another fine one"}
        assert (await Client(http).post("/api/auth/login", new)).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"current": "wrong", "new": "another fine one"}, "current"),
        ({"current": PASSWORD, "new": "short"}, "new"),
        ({"current": PASSWORD, "new": "store@example.com"}, "new"),
    ],
    ids=["wrong", "short", "address"],
)
async def test_a_password_that_cannot_be_changed_stays(client: Client, body: dict[str, str], field: str) -> None:
    mine = bearer((await sign_in(client)).json()["token"])
    problem(await client.post("/api/auth/password", body, mine), 422, "invalid-field", field)
    assert (await sign_in(client)).status_code == 200


async def test_a_token_without_an_account_has_no_password(client: Client) -> None:
    body = {"current": PASSWORD, "new": "another fine one"}
    problem(await client.post("/api/auth/password", body, CUSTOMER), 403, "not-permitted")


# --- Who one is -------------------------------------------------------------------------------------------------------


async def test_me_is_whom_the_token_speaks_for(client: Client) -> None:
    login = await sign_in(client)
    me = await client.get("/api/me", bearer(login.json()["token"]))
    assert me.json() == login.json()["user"]
    assert (await client.get("/api/me", CUSTOMER)).json() == {"id": "cus_1", "role": "customer"}
    problem(await client.get("/api/me"), 401, "sign-in-required")
    guest = (await client.place())["trackingToken"]
    problem(await client.get("/api/me", bearer(guest)), 403, "not-permitted")
