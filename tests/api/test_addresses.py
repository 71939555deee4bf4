"""Whose an address is: registering with it, confirming it, and what was ordered with it before."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from ordercast import jobs
from ordercast.api.passwords import Passwords
from ordercast.commerce.timestamps import timestamp
from ordercast.config import Settings
from ordercast.db import SqliteStore, Transaction, accounts
from tests.commerce.orders import request_json
from tests.mail.mailbox import Mailbox

from .client import CUSTOMER, PASSWORD, SECRET, STORE, Client, bearer, over, problem, signed_in
from .stores import AnyStore

ADMIN = signed_in("admin", "usr_admin")
EMAIL = "asha@example.com"
PHRASE, OTHER_PHRASE = "a fine password", "quite another one"
NOT_TAKEN = "nobody@example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest) -> AnyStore:
    store: AnyStore = request.getfixturevalue(f"{request.param}_store")
    return store


@pytest.fixture
def mailbox(store: AnyStore, tmp_path: Path) -> Mailbox:
    return Mailbox(store, tmp_path / "mails", SECRET)


async def register(client: Client, email: str = EMAIL, password: str = PHRASE) -> str:
    answer = await client.post("/api/auth/register", {"email": email, "name": "Asha", "password": password})
    assert answer.status_code == 201, answer.text
    account_id: str = answer.json()["id"]
    return account_id


async def log_in(client: Client, password: str = PHRASE, email: str = EMAIL) -> dict[str, str]:
    answer = await client.post("/api/auth/login", {"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return bearer(answer.json()["token"])


async def verified(client: Client, mailbox: Mailbox) -> tuple[str, dict[str, str]]:
    """A customer whose address is theirs: the account's id, and a token's header."""
    account_id = await register(client)
    headers = await log_in(client)
    token = (await mailbox.receive_one()).token
    assert (await client.post("/api/auth/verify-email", {"token": token}, headers)).status_code == 200
    return account_id, headers


# --- Registering ------------------------------------------------------------------------------------------------------


async def test_who_registers_is_mailed_a_link_that_makes_the_address_theirs(client: Client, mailbox: Mailbox) -> None:
    account_id = await register(client)
    headers = await log_in(client)
    assert (await client.get("/api/me", headers)).json()["emailVerified"] is False
    mail = await mailbox.receive_one()
    assert (mail.to, mail.subject) == (EMAIL, "Confirm your address")
    assert mail.link.startswith("https://shop.example.com/verify#token=")
    answer = await client.post("/api/auth/verify-email", {"token": mail.token}, headers)
    assert (answer.status_code, answer.json()["id"]) == (200, account_id)
    assert "emailVerified" not in (await client.get("/api/me", headers)).json()
    assert await mailbox.receive() == []


async def test_a_link_is_opened_on_another_device_with_the_password(client: Client, mailbox: Mailbox) -> None:
    account_id = await register(client)
    token = (await mailbox.receive_one()).token
    problem(await client.post("/api/auth/verify-email", {"token": token}), 401, "sign-in-refused")
    wrong = {"token": token, "password": OTHER_PHRASE}
    problem(await client.post("/api/auth/verify-email", wrong), 401, "sign-in-refused")
    for _ in range(2):  # done again, it does no harm
        answer = await client.post("/api/auth/verify-email", {"token": token, "password": PHRASE})
        assert (answer.status_code, answer.json()["id"]) == (200, account_id)


async def test_what_a_stranger_registered_with_an_address_does_not_become_theirs_by_its_owner(
    client: Client, mailbox: Mailbox
) -> None:
    """The owner opens the link, and has no password of the stranger's; they register anew, which nothing keeps them
    from."""
    strangers = await register(client, password=OTHER_PHRASE)
    stranger = await log_in(client, OTHER_PHRASE)
    owners = await register(client)
    first, _ = await mailbox.receive()
    # Whichever link it is, it shows that the mailbox is the owner's, and the password which account is.
    answer = await client.post("/api/auth/verify-email", {"token": first.token, "password": PHRASE})
    assert answer.json()["id"] == owners != strangers
    assert (await client.get("/api/me", stranger)).json()["emailVerified"] is False
    problem(
        await client.post("/api/auth/verify-email", {"token": first.token}, stranger), 409, "address-taken", "email"
    )
    assert await log_in(client) != stranger


async def test_strangers_who_guess_keep_nobody_from_confirming_by_a_mailed_link(
    store: SqliteStore, settings: Settings, mailbox: Mailbox
) -> None:
    on = Settings(secret=settings.secret, budget_account_strangers="2/1h")
    async with over(on, store) as http:
        client = Client(http)
        await register(client)
        guess = {"email": EMAIL, "password": "none of theirs"}
        assert [(await client.post("/api/auth/login", guess)).status_code for _ in range(3)] == [401, 401, 429]
        body = {"token": (await mailbox.receive_one()).token, "password": PHRASE}
        assert (await client.post("/api/auth/verify-email", body)).status_code == 200
        await log_in(client)


async def test_a_registration_keeps_no_admin_from_making_an_account(client: Client, mailbox: Mailbox) -> None:
    await register(client)
    made = {"email": EMAIL, "name": "Asha", "role": "driver", "password": OTHER_PHRASE}
    answer = await client.post("/api/accounts", made, ADMIN)
    assert (answer.status_code, "verified" in answer.json()) == (201, False)
    role = (await client.get("/api/me", await log_in(client, OTHER_PHRASE))).json()["role"]
    assert role == "driver"
    (mail,) = await mailbox.receive()  # which is written when it is sent
    assert mail.subject == "You already have an account"
    problem(await client.post("/api/accounts", made, ADMIN), 409, "address-taken", "email")


async def test_a_link_that_is_none_of_ours_or_for_something_else_is_refused(client: Client, mailbox: Mailbox) -> None:
    headers = await log_in(client, PASSWORD, "customer@example.com")
    await client.post("/api/auth/forgot-password", {"email": "customer@example.com"})
    reset = (await mailbox.receive_one()).token
    access = headers["Authorization"].removeprefix("Bearer ")
    for token in (reset, access, "x", reset[:-2], "a.b.c"):
        body = {"token": token, "password": PASSWORD}
        problem(await client.post("/api/auth/verify-email", body, headers), 422, "link-refused", "token")


# --- The same for everybody -------------------------------------------------------------------------------------------


class Work:
    """What is done behind the answers, counted: nothing else takes time."""

    def __init__(self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        for name in ("match", "hash"):
            self._count(monkeypatch, Passwords, name, name)
        for name in ("read", "write"):
            self._count(monkeypatch, type(store), name, name)
        self._count_statements(monkeypatch)

    def _count(self, monkeypatch: pytest.MonkeyPatch, class_: type, name: str, told: str) -> None:
        original = getattr(class_, name)

        async def counted(*args: Any, **more: Any) -> Any:
            self.done.append(told)
            return await original(*args, **more)

        monkeypatch.setattr(class_, name, counted)

    def _count_statements(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("one", "all", "run", "many"):
            original = getattr(Transaction, name)

            def counted(transaction: Transaction, statement: str, original: Any = original, **values: Any) -> Any:
                self.done.append(statement)
                return original(transaction, statement, **values)

            monkeypatch.setattr(Transaction, name, counted)

    def taken(self) -> list[str]:
        done, self.done = self.done, []
        return done


REQUESTS = {
    "/api/auth/register": {"name": "Asha", "password": PHRASE},
    "/api/auth/login": {"password": "none of theirs"},
    "/api/auth/forgot-password": {},
    "/api/auth/resend-verification": {},
}


async def test_known_and_unknown_addresses_are_answered_alike_by_the_same_work(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(client)  # and did not confirm it
    await client.get("/api/products")
    work = Work(store, monkeypatch)
    for path, body in REQUESTS.items():
        seen = []
        for email in ("customer@example.com", NOT_TAKEN, EMAIL):
            answer = await client.post(path, {**body, "email": email})
            told = {name: value for name, value in answer.json().items() if name not in {"id", "email"}}
            seen.append((answer.status_code, told, sorted(answer.headers), work.taken()))
        assert seen[0] == seen[1] == seen[2], path


async def test_whoever_is_registered_already_is_told_by_mail_and_by_nothing_else(
    client: Client, mailbox: Mailbox
) -> None:
    await register(client, "Customer@example.com")
    mail = await mailbox.receive_one()
    assert (mail.to, mail.subject) == ("customer@example.com", "You already have an account")
    assert mail.link == "https://shop.example.com/forgot"
    assert (await client.get("/api/me", await log_in(client, PASSWORD, "customer@example.com"))).status_code == 200
    await client.post("/api/auth/resend-verification", {"email": NOT_TAKEN})
    assert await mailbox.receive() == []


async def test_an_address_is_mailed_so_often_and_whoever_asks_is_told_nothing_of_it(
    store: SqliteStore, settings: Settings, mailbox: Mailbox
) -> None:
    on = Settings(secret=settings.secret, budget_account_mails="2/1h")
    async with over(on, store) as http:
        answers = [
            await Client(http).post("/api/auth/forgot-password", {"email": "customer@example.com"}) for _ in range(4)
        ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"accepted":true}')}
    assert len(await mailbox.receive()) == 2


async def test_a_shop_without_mail_says_so(store: SqliteStore, settings: Settings) -> None:
    async with over(Settings(secret=settings.secret, mail_url="off"), store) as http:
        for path in ("/api/auth/forgot-password", "/api/auth/resend-verification"):
            problem(await Client(http).post(path, {"email": EMAIL}), 409, "no-mail")
        assert (await http.get("/api/config")).json()["sendsMail"] is False
        await Client(http).place()
    assert await store.read(lambda t: t.all("SELECT id FROM mails")) == []


# --- What was ordered before ------------------------------------------------------------------------------------------


def guest_order(email: str = "Asha@Example.com", **more: Any) -> dict[str, Any]:
    return {"customerInfo": {"name": "Asha", "email": email, "mobile": "+8801700000000"}, **more}


async def test_orders_of_a_guest_become_the_customers_who_confirmed_the_address(
    either_store: AnyStore, settings: Settings, tmp_path: Path
) -> None:
    mailbox = Mailbox(either_store, tmp_path / "mails", SECRET)
    async with over(settings, either_store) as http:
        client = Client(http)
        mine, others = await client.place(**guest_order()), await client.place(**guest_order("other@example.com"))
        theirs = await client.place(signed_in("customer", "cus_elsewhere"), **guest_order())
        account_id = await register(client)
        headers = await log_in(client)
        problem(await client.post("/api/auth/claim-orders", None, headers), 403, "address-unverified")
        token = next(mail.token for mail in await mailbox.receive() if mail.token)
        await client.post("/api/auth/verify-email", {"token": token}, headers)
        claims = [client.post("/api/auth/claim-orders", None, headers) for _ in range(2)]
        claimed = [answer.json()["orderIds"] for answer in await asyncio.gather(*claims)]
        assert sorted(claimed) == [[], [mine["id"]]]
        (listed,) = (await client.get("/api/orders", headers)).json()["items"]
        assert (listed["id"], listed["customerId"]) == (mine["id"], account_id)
        exported = (await client.get("/api/me/export", headers)).json()["data"]
        assert [order["id"] for order in exported["orders"]] == [mine["id"]]
        for order in (others, theirs):
            stands = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
            assert stands["customerId"] == order["customerId"]
        # Whoever has the link may still follow it.
        assert (await client.get(f"/api/orders/{mine['id']}", bearer(mine["trackingToken"]))).status_code == 200


async def test_what_is_claimed_counts_for_a_promotion_that_holds_once(client: Client, mailbox: Mailbox) -> None:
    await client.post("/api/promotions", {"code": "ONCE", "kind": "free_delivery", "usesPerCustomerMax": 1}, STORE)
    await client.place(**guest_order(promoCode="ONCE"))
    await mailbox.receive()
    _, headers = await verified(client, mailbox)
    assert len((await client.post("/api/auth/claim-orders", None, headers)).json()["orderIds"]) == 1
    refused = await client.post("/api/orders", request_json(promoCode="ONCE"), headers)
    problem(refused, 422, "promotion-refused", "promoCode")


async def test_nobody_but_a_customer_with_an_account_here_claims_orders(client: Client) -> None:
    problem(await client.post("/api/auth/claim-orders", None, CUSTOMER), 403, "not-permitted")
    problem(await client.post("/api/auth/claim-orders", None, STORE), 403, "not-permitted")


# --- Forgetting -------------------------------------------------------------------------------------------------------


async def test_who_never_confirmed_and_did_nothing_else_is_forgotten(client: Client, store: SqliteStore) -> None:
    idle, buyer = await register(client), await register(client, "buyer@example.com")
    await client.place(signed_in("customer", buyer))

    def removed(transaction: Transaction) -> tuple[list[str], str | None]:
        return accounts.remove_unverified(transaction, before=later, after="", limit=10)

    later: Any = "2999-01-01T00:00:00.000Z"
    assert await store.write(removed) == ([idle], None)
    assert await store.write(removed) == ([], None)
    left = await store.read(lambda t: [accounts.find_by_id(t, each) is None for each in (idle, buyer)])
    assert left == [True, False]


async def test_whoever_confirms_while_others_are_forgotten_stays(
    client: Client, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await register(client)
    look = Transaction.all

    def and_another_confirms(self: Transaction, *asked: Any, **values: Any) -> Any:
        rows = look(self, *asked, **values)
        self.run("UPDATE accounts SET verified = 1")
        return rows

    def unit(transaction: Transaction) -> tuple[list[str], str | None]:
        return accounts.remove_unverified(transaction, before=later, after="", limit=10)

    later: Any = "2999-01-01T00:00:00.000Z"
    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "all", and_another_confirms)
        assert await store.write(unit) == ([], None)
    assert await store.read(lambda t: accounts.find_by_id(t, account_id)) is not None


async def test_what_is_refused_of_a_forgotten_registration_is_forgotten_when_its_tokens_have_ended(
    client: Client, store: SqliteStore
) -> None:
    account_id = await register(client)
    now_ms = time.time_ns() // 1_000_000 + 8 * 86_400_000
    assert await store.write(lambda transaction: jobs._forget_unverified(transaction, "", now_ms)) is None
    row = await store.read(lambda t: t.one("SELECT name, until FROM revocations"))
    assert row == (account_id, timestamp(now_ms + jobs.TOKENS_END_MS))
