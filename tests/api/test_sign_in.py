from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from typing import Any

import pytest

from ordercast.api import auth, verify_token
from ordercast.api import sign_in as sign_in_module
from ordercast.api import throttle as throttles
from ordercast.api.passwords import Passwords
from ordercast.api.refusals import TooManyAttempts
from ordercast.api.throttle import FAILURES_MAX, WINDOW_S, Throttle
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
    await store.write(lambda transaction: transaction.run("UPDATE accounts SET active = 0"))
    problem(await client.post(PATH, {"email": "store@example.com", "password": PASSWORD}), 401, "sign-in-refused")


async def test_after_many_failures_even_the_right_password_waits(client: Client) -> None:
    for _ in range(FAILURES_MAX):
        await client.post(PATH, {"email": "store@example.com", "password": "x"})
    response = await client.post(PATH, {"email": "Store@example.com", "password": PASSWORD})
    problem(response, 429, "too-many-attempts")
    assert 0 < int(response.headers["retry-after"]) <= WINDOW_S + 1
    others = await client.post(PATH, {"email": "admin@example.com", "password": PASSWORD})
    assert others.status_code == 200


async def test_guesses_sent_at_once_are_counted_like_guesses_in_turn(client: Client) -> None:
    guess = {"email": "store@example.com", "password": "x"}
    answers = await asyncio.gather(*(client.post(PATH, guess) for _ in range(3 * FAILURES_MAX)))
    assert sorted(answer.status_code for answer in answers) == [401] * FAILURES_MAX + [429] * 2 * FAILURES_MAX


async def test_one_caller_cannot_guess_through_everyones_account(
    store: SqliteStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.api.desk.CALLER_FAILURES_MAX", 3)
    async with over(settings, store) as http:
        client = Client(http)
        for number in range(3):
            guess = await client.post(PATH, {"email": f"person{number}@example.com", "password": "x"})
            assert guess.status_code == 401
        late = await client.post(PATH, {"email": "store@example.com", "password": PASSWORD})
        problem(late, 429, "too-many-attempts")


async def test_who_signs_in_is_not_counted(client: Client) -> None:
    right = {"email": "store@example.com", "password": PASSWORD}
    for _ in range(FAILURES_MAX + 2):
        assert (await client.post(PATH, right)).status_code == 200


async def test_a_busy_shop_counts_no_failure(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordercast.api.passwords.CHECKS_WAITING_MAX", 0)
    right = {"email": "store@example.com", "password": PASSWORD}
    for _ in range(FAILURES_MAX + 2):
        problem(await client.post(PATH, right), 503, "overloaded")
    monkeypatch.undo()
    assert (await client.post(PATH, right)).status_code == 200


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


def test_the_throttle_forgets_after_its_window_and_on_success() -> None:
    throttle = Throttle()
    for _ in range(FAILURES_MAX):
        throttle.attempt("a", 0)
    with pytest.raises(TooManyAttempts):
        throttle.attempt("a", WINDOW_S - 1)
    throttle.attempt("b", 0)
    throttle.undo("a")
    throttle.attempt("a", WINDOW_S - 1)
    with pytest.raises(TooManyAttempts):
        throttle.attempt("a", WINDOW_S - 1)
    throttle.attempt("a", WINDOW_S)
    throttle.forget("a")
    throttle.undo("b")
    assert repr(throttle) == "<Throttle 0 remembered>"


def test_the_throttle_remembers_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "REMEMBERED_MAX", 3)
    throttle = Throttle()
    for key in "abcd":
        throttle.attempt(key, 0)
    assert repr(throttle) == "<Throttle 3 remembered>"


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

    async def slowly(passwords: Passwords, password_hash: str | None, password: str) -> bool:
        matches = await match(passwords, password_hash, password)
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
