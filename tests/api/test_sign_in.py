from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import Any

import pytest

from ordercast.api import auth, verify_token
from ordercast.api import sign_in as sign_in_module
from ordercast.api.passwords import Passwords
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import PASSWORD, SECRET, Client, bearer, over, problem

PATH = "/api/auth/login"


@pytest.mark.parametrize("role", ["admin", "store", "customer", "driver"])
async def test_a_password_is_exchanged_for_a_token_of_the_role(client: Client, role: str) -> None:
    response = await client.post(PATH, {"email": f"{role.upper()}@example.com", "password": PASSWORD})
    assert response.status_code == 200
    body = response.json()
    assert (body["user"]["email"], body["user"]["role"]) == (f"{role}@example.com", role)
    actor = verify_token(SECRET, body["token"]).actor
    assert (actor.role, actor.id, actor.name) == (role, body["user"]["id"], body["user"]["name"])
    assert (await client.get("/api/orders", bearer(body["token"]))).status_code == 200


async def test_unknown_and_wrong_get_the_same_answer(client: Client) -> None:
    wrong = await client.post(PATH, {"email": "store@example.com", "password": "x"})
    unknown = await client.post(PATH, {"email": "nobody@example.com", "password": "x"})
    problem(wrong, 401, "sign-in-refused")
    assert unknown.json() == wrong.json()


async def test_an_account_that_was_closed_lets_nobody_in(client: Client, store: SqliteStore) -> None:
    await store.write(lambda transaction: transaction.run("UPDATE accounts SET active = 0 WHERE role <> 'admin'"))
    problem(await client.post(PATH, {"email": "store@example.com", "password": PASSWORD}), 401, "sign-in-refused")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "a@b.cd"}, "password"),
        ({"email": "a@b.cd", "password": ""}, "password"),
        ({"email": "a@b.cd", "password": "x" * 1025}, "password"),
        ({"email": 5, "password": "x"}, "email"),
        ({"email": "a@b.cd", "password": "x", "role": "admin"}, "role"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, body: dict[str, object], field: str) -> None:
    problem(await client.post(PATH, body), 422, "invalid-field", field)


CHANGES = {
    "closed": "active = 0",
    "of another role": "role = 'driver'",
    "with another password": "password_hash = 'x'",
}


@pytest.mark.parametrize("origin", ["http://shop.test", "https://elsewhere.example"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_an_account_that_is_changed_while_its_password_is_checked_is_not_signed_in(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, change: str, origin: str
) -> None:
    match = Passwords.match

    async def slowly(passwords: Passwords, password_hash: str | None, password: str, caller: str) -> bool:
        matches = await match(passwords, password_hash, password, caller)
        await store.write(lambda t: t.run(f"UPDATE accounts SET {change} WHERE email = 'store@example.com'"))
        return matches

    monkeypatch.setattr(Passwords, "match", slowly)
    body = {"email": "store@example.com", "password": PASSWORD}
    problem(await client.post("/api/auth/login", body, {"Origin": origin}), 401, "sign-in-refused")
    assert await store.read(lambda t: t.all("SELECT id FROM sign_ins")) == []


async def test_a_token_is_no_younger_than_what_it_says(
    client: Client, store: SqliteStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that is closed between the commit of a sign-in and the signing of its token."""
    issue = auth.issue_token

    def late(*args: Any, **more: Any) -> str:
        time.sleep(0.01)
        close = "UPDATE accounts SET active = 0 WHERE email = 'store@example.com'"
        with contextlib.closing(sqlite3.connect(store.path)) as other, other:
            other.execute(close)
        time.sleep(0.01)
        return issue(*args, **more)

    monkeypatch.setattr(sign_in_module, "issue_token", late)
    answer = await client.post("/api/auth/login", {"email": "store@example.com", "password": PASSWORD})
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/orders", bearer(answer.json()["token"])), 401, "token-refused")
