from __future__ import annotations

import time
from pathlib import Path

import pytest

from ordercast.api.passwords import Passwords
from ordercast.commerce.letters import RESET_MINUTES
from ordercast.config import Settings
from ordercast.db import SqliteStore
from tests.mail.mailbox import Mailbox

from .client import PASSWORD, SECRET, Client, bearer, over, problem
from .test_addresses import log_in, register
from .test_refresh import cookie_of, refresh, sign_in

EMAIL = "store@example.com"
NEW = "another fine one"


@pytest.fixture
def mailbox(store: SqliteStore, tmp_path: Path) -> Mailbox:
    return Mailbox(store, tmp_path / "mails", SECRET)


async def asked(client: Client, mailbox: Mailbox, email: str = EMAIL) -> str:
    """The token of a link that was just mailed."""
    answer = await client.post("/api/auth/forgot-password", {"email": email})
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})
    mail = await mailbox.receive_one()
    assert (mail.to, mail.subject) == (email.lower(), "Choose another password")
    assert mail.link.startswith("https://shop.example.com/reset#token=")
    return mail.token


async def test_a_link_gives_another_password_once_and_ends_what_the_former_one_opened(
    client: Client, mailbox: Mailbox, store: SqliteStore, settings: Settings
) -> None:
    elsewhere = await sign_in(client)
    token = await asked(client, mailbox, EMAIL.upper())
    answer = await client.post("/api/auth/reset-password", {"token": token, "password": NEW})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await mailbox.receive_one()).subject == "Your password was changed"
    again = await client.post("/api/auth/reset-password", {"token": token, "password": "a third fine one"})
    problem(again, 422, "link-refused", "token")
    async with over(settings, store) as http:
        problem(await Client(http).get("/api/me", bearer(elsewhere.json()["token"])), 401, "token-refused")
        problem(await refresh(Client(http), cookie_of(elsewhere)), 401, "refresh-refused")
        old = {"email": EMAIL, "password": PASSWORD}
        problem(await Client(http).post("/api/auth/login", old), 401, "sign-in-refused")
        assert (await Client(http).get("/api/me", await log_in(Client(http), NEW, EMAIL))).status_code == 200


async def test_another_link_is_good_no_more_once_the_password_is_another(client: Client, mailbox: Mailbox) -> None:
    first, second = [await asked(client, mailbox) for _ in range(2)]
    await client.post("/api/auth/reset-password", {"token": second, "password": NEW})
    answer = await client.post("/api/auth/reset-password", {"token": first, "password": "a third fine one"})
    problem(answer, 422, "link-refused", "token")


async def test_a_password_that_cannot_be_chosen_spends_no_link(client: Client, mailbox: Mailbox) -> None:
    token = await asked(client, mailbox)
    short = await client.post("/api/auth/reset-password", {"token": token, "password": "short"})
    problem(short, 422, "invalid-field", "password")
    assert (await client.post("/api/auth/reset-password", {"token": token, "password": NEW})).status_code == 204


async def test_a_link_ends_after_half_an_hour(
    client: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_at = time.time() - RESET_MINUTES * 60 - 1
    monkeypatch.setattr(time, "time", lambda: made_at)
    token = await asked(client, mailbox)
    monkeypatch.undo()
    body = {"token": token, "password": NEW}
    refused = problem(await client.post("/api/auth/reset-password", body), 422, "link-refused", "token")
    assert refused["code"] == "token_expired"


async def test_a_closed_account_gets_no_link_and_one_that_was_sent_opens_it_no_more(
    client: Client, mailbox: Mailbox, store: SqliteStore
) -> None:
    token = await asked(client, mailbox)
    await store.write(lambda t: t.run("UPDATE accounts SET active = 0 WHERE email = 'store@example.com'"))
    body = {"token": token, "password": NEW}
    problem(await client.post("/api/auth/reset-password", body), 422, "link-refused", "token")
    assert (await client.post("/api/auth/forgot-password", {"email": EMAIL})).status_code == 202
    assert await mailbox.receive() == []


async def test_nobody_is_given_a_password_for_an_address_that_nobody_confirmed(
    client: Client, mailbox: Mailbox
) -> None:
    await register(client)
    await mailbox.receive()
    await client.post("/api/auth/forgot-password", {"email": "asha@example.com"})
    mail = await mailbox.receive_one()
    assert (mail.subject, mail.link) == ("This address is not confirmed yet", "https://shop.example.com/shop")


async def test_who_changes_a_password_is_told_by_mail(client: Client, mailbox: Mailbox) -> None:
    mine = bearer((await sign_in(client)).json()["token"])
    assert (await client.post("/api/auth/password", {"current": PASSWORD, "new": NEW}, mine)).status_code == 200
    mail = await mailbox.receive_one()
    assert (mail.to, mail.subject) == (EMAIL, "Your password was changed")


async def test_a_password_that_was_replaced_meanwhile_changes_no_other(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knows the former password must not undo its owner's reset with a change that began before it."""
    mine = bearer((await sign_in(client)).json()["token"])
    of_owner = await Passwords().hash(NEW)
    as_it_is = Passwords.hash

    async def while_it_is_reset(self: Passwords, password: str, caller: str = "") -> str:
        await store.write(
            lambda t: t.run(
                "UPDATE accounts SET password_hash = :hash WHERE email = :email", hash=of_owner, email=EMAIL
            )
        )
        return await as_it_is(self, password, caller)

    monkeypatch.setattr(Passwords, "hash", while_it_is_reset)
    answer = await client.post("/api/auth/password", {"current": PASSWORD, "new": "of somebody else"}, mine)
    problem(answer, 422, "invalid-field", "current")
    await log_in(client, NEW, EMAIL)


async def test_a_mail_that_somebody_else_has_sent_keeps_no_link_from_the_owner(
    store: SqliteStore, settings: Settings, mailbox: Mailbox
) -> None:
    on = Settings(secret=settings.secret, budget_account_mails="2/1h")
    async with over(on, store) as http:
        client = Client(http)
        for _ in range(3):
            await register(client, EMAIL)
        assert {mail.subject for mail in await mailbox.receive()} == {"You already have an account"}
        token = await asked(client, mailbox)
        assert (await client.post("/api/auth/reset-password", {"token": token, "password": NEW})).status_code == 204
        assert (await mailbox.receive_one()).subject == "Your password was changed"


async def test_strangers_who_guess_keep_nobody_out_who_was_mailed_a_link(
    store: SqliteStore, settings: Settings, mailbox: Mailbox
) -> None:
    on = Settings(secret=settings.secret, budget_account_strangers="2/1h")
    async with over(on, store) as http:
        client = Client(http)
        guess = {"email": EMAIL, "password": "none of theirs"}
        assert [(await client.post("/api/auth/login", guess)).status_code for _ in range(3)] == [401, 401, 429]
        token = await asked(client, mailbox)
        assert (await client.post("/api/auth/reset-password", {"token": token, "password": NEW})).status_code == 204
        await log_in(client, NEW, EMAIL)
