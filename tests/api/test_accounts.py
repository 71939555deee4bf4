from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ordercast.commerce.people import Role
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import CUSTOMER, DRIVER, PASSWORD, SERVICE, STORE, Client, bearer, over, problem, signed_in, token
from .test_refresh import cookie_of, refresh, sign_in

ADMIN = signed_in("admin", "usr_admin")
PATH = "/api/accounts"
RAFIQ = {"email": "Rafiq@example.com", "name": "Rafiq", "role": "driver", "password": "a fine password"}


async def id_of(client: Client, role: str) -> str:
    items = (await client.get(PATH, ADMIN)).json()["items"]
    (found,) = [item["id"] for item in items if item["role"] == role]
    assert isinstance(found, str)
    return found


async def test_an_admin_makes_an_account_that_can_be_used_at_once(client: Client) -> None:
    made = await client.post(PATH, RAFIQ, ADMIN)
    assert made.status_code == 201
    assert made.json() == {
        "id": made.json()["id"],
        "email": "rafiq@example.com",
        "name": "Rafiq",
        "role": "driver",
        "active": True,
    }
    assert made.json()["id"].startswith("drv_")
    login = {"email": "rafiq@example.com", "password": "a fine password"}
    assert (await client.post("/api/auth/login", login)).json()["user"]["role"] == "driver"
    drivers = (await client.get("/api/drivers", STORE)).json()["items"]
    assert made.json()["id"] in [driver["id"] for driver in drivers]
    problem(await client.post(PATH, RAFIQ, ADMIN), 409, "address-taken", "email")


async def test_accounts_are_listed_by_pages_without_their_passwords(client: Client) -> None:
    first = (await client.get(f"{PATH}?limit=3", ADMIN)).json()
    rest = (await client.get(f"{PATH}?limit=3&cursor={first['nextCursor']}", ADMIN)).json()
    items = first["items"] + rest["items"]
    assert sorted(item["role"] for item in items) == ["admin", "carer", "carer", "customer", "driver", "store"]
    assert rest["nextCursor"] is None
    assert "argon2" not in repr(items)


async def test_who_is_closed_out_is_signed_out_at_once(client: Client, store: SqliteStore, settings: Settings) -> None:
    login = await sign_in(client)
    account_id = login.json()["user"]["id"]
    closed = await client.post(f"{PATH}/{account_id}", {"active": False}, ADMIN)
    assert closed.json()["active"] is False
    problem(await refresh(client, cookie_of(login)), 401, "refresh-refused")
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/me", bearer(login.json()["token"])), 401, "token-refused")
        body = {"email": "store@example.com", "password": PASSWORD}
        problem(await Client(http).post("/api/auth/login", body), 401, "sign-in-refused")
        assert (await Client(http).post(f"{PATH}/{account_id}", {"active": True}, ADMIN)).status_code == 200
        assert (await Client(http).post("/api/auth/login", body)).status_code == 200


async def test_another_role_is_another_sign_in(client: Client, store: SqliteStore, settings: Settings) -> None:
    login = await sign_in(client)
    account_id = login.json()["user"]["id"]
    changed = await client.post(f"{PATH}/{account_id}", {"role": "driver", "name": "Rafiq"}, ADMIN)
    assert (changed.json()["role"], changed.json()["name"]) == ("driver", "Rafiq")
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/me", bearer(login.json()["token"])), 401, "token-refused")


async def test_another_name_ends_nothing(client: Client, store: SqliteStore, settings: Settings) -> None:
    login = await sign_in(client)
    await client.post(f"{PATH}/{login.json()['user']['id']}", {"name": "Mina"}, ADMIN)
    async with over(settings, store) as http:
        me = await Client(http).get("/api/me", bearer(login.json()["token"]))
        assert me.json()["name"] == "Mina"


@pytest.mark.parametrize("change", [{"active": False}, {"role": "store"}], ids=["closed", "role"])
async def test_no_admin_locks_themselves_out(client: Client, change: dict[str, Any]) -> None:
    account_id = await id_of(client, Role.ADMIN)
    mine = bearer(token("admin", account_id))
    problem(await client.post(f"{PATH}/{account_id}", change, mine), 409, "own-account")
    assert (await client.post(f"{PATH}/{account_id}", {"name": "Nadia"}, mine)).status_code == 200


@pytest.mark.parametrize("change", [{"active": False}, {"role": "store"}], ids=["closed", "role"])
async def test_the_last_admin_stays_whoever_asks(client: Client, change: dict[str, Any]) -> None:
    refused = await client.post(f"{PATH}/{await id_of(client, Role.ADMIN)}", change, ADMIN)
    problem(refused, 409, "last-admin")


async def test_a_customer_stays_one_and_nobody_else_becomes_one(client: Client) -> None:
    for role, other in (("customer", "store"), ("driver", "customer")):
        path = f"{PATH}/{await id_of(client, role)}"
        problem(await client.post(path, {"role": other}, ADMIN), 422, "invalid-field", "role")


@pytest.mark.parametrize("headers", [STORE, CUSTOMER, DRIVER, SERVICE], ids=["store", "customer", "driver", "service"])
async def test_only_an_admin_deals_in_accounts(client: Client, headers: Mapping[str, str]) -> None:
    problem(await client.get(PATH, headers), 403, "not-permitted")
    problem(await client.post(PATH, RAFIQ, headers), 403, "not-permitted")
    problem(await client.post(f"{PATH}/usr_1", {"active": False}, headers), 403, "not-permitted")


@pytest.mark.parametrize(
    ("change", "field"),
    [({"role": "service"}, "role"), ({"role": "guest"}, "role"), ({"password": "short"}, "password")],
    ids=["service", "guest", "password"],
)
async def test_a_wrong_field_is_named(client: Client, change: dict[str, Any], field: str) -> None:
    problem(await client.post(PATH, {**RAFIQ, **change}, ADMIN), 422, "invalid-field", field)


async def test_there_must_be_an_account_to_change(client: Client) -> None:
    problem(await client.post(f"{PATH}/usr_nobody", {"active": False}, ADMIN), 404, "not-found")
