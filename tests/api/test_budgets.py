"""What a stranger may do, and how often: over HTTP, with time moved by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisGone

from ordercast.api import create_api, make_authenticator, passwords
from ordercast.api.application import openapi_document
from ordercast.api.budgets import (
    ANONYMOUS_COMMANDS,
    ANONYMOUS_ROUTES,
    BUDGETS,
    ORDERS,
    READS,
    REDIS_REST_S,
    Budgets,
    make_budgets,
)
from ordercast.api.errors import TooManyAttempts
from ordercast.config import BUDGETS as SETTINGS
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.hub import Rate
from ordercast.telemetry import BUDGET_REFUSALS
from tests.commerce.orders import request_json

from .client import CUSTOMER, PASSWORD, STORE, Client, bearer, problem, token

LOGIN = "/api/auth/login"
WRONG = {"email": "store@example.com", "password": "x"}
RIGHT = {"email": "store@example.com", "password": PASSWORD}
At = Callable[[str], Client]


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, budgets="on")


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking one is slow on purpose, and there is no other secret in these tests."""
    monkeypatch.setattr(passwords, "_verify", lambda _hash, password: password == PASSWORD)


@pytest.fixture
async def at(store: SqliteStore, settings: Settings, clock: Clock) -> AsyncIterator[At]:
    """Clients of one application, each at its own address."""
    budgets = make_budgets(settings)
    budgets._clock = clock
    application: Any = create_api(settings, store, authenticator=make_authenticator(settings, store, budgets))
    opened: list[httpx.AsyncClient] = []

    def client(address: str) -> Client:
        transport = httpx.ASGITransport(application, client=(address, 4711))
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://shop.test"))
        return Client(opened[-1])

    yield client
    for http in opened:
        await http.aclose()


async def statuses(count: int, ask: Callable[[], Awaitable[httpx.Response]]) -> dict[int, int]:
    """How often each status was answered, when asked so often at once."""
    answers = await asyncio.gather(*(ask() for _ in range(count)))
    found = [answer.status_code for answer in answers]
    for answer in answers:
        if answer.status_code == 429:
            problem(answer, 429, "too-many-attempts")
            assert int(answer.headers["retry-after"]) > 0
    return {status: found.count(status) for status in set(found)}


# --- Every budget, over HTTP ------------------------------------------------------------------------------------------


async def test_guests_of_one_address_order_so_often_and_others_go_on(at: At, clock: Clock) -> None:
    guest = at("203.0.113.1")

    async def place() -> httpx.Response:
        return await guest.post("/api/orders", request_json())

    assert await statuses(80, place) == {201: 60, 429: 20}
    answer = problem(await place(), 429, "too-many-attempts")
    assert answer["budget"] == "orders"
    assert (await at("203.0.113.2").post("/api/orders", request_json())).status_code == 201
    assert (await guest.post("/api/orders", request_json(), CUSTOMER)).status_code == 201, "who signs in has their own"
    clock.now_s += 2
    assert await statuses(2, place) == {201: 1, 429: 1}


async def test_an_order_sent_again_with_its_key_is_answered_though_the_budget_is_spent(at: At) -> None:
    guest, key = at("203.0.113.1"), {"Idempotency-Key": "once"}
    first = await guest.post("/api/orders", request_json(), key)
    await statuses(60, lambda: guest.post("/api/orders", request_json()))
    again = await guest.post("/api/orders", request_json(), key)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


async def test_looks_at_the_payment_provider_are_bounded_as_orders_are(at: At) -> None:
    guest = at("203.0.113.1")
    waiting = (await guest.post("/api/orders", request_json(paymentInfo={"method": "card", "token": "tok_3ds"}))).json()
    check, token = f"/api/orders/{waiting['id']}/pay/check", {"Authorization": f"Bearer {waiting['trackingToken']}"}
    assert await statuses(70, lambda: guest.post(check, None, token)) == {200: 59, 429: 11}


async def test_declined_cards_are_bounded_also_when_tried_at_once(at: At) -> None:
    guest = at("203.0.113.1")
    card = request_json(paymentInfo={"method": "card", "token": "tok_declined"})
    assert await statuses(50, lambda: guest.post("/api/orders", card)) == {402: 20, 429: 30}
    good = request_json(paymentInfo={"method": "cash"})
    assert (await guest.post("/api/orders", good)).status_code == 201, "cash needs no card"


async def test_promotion_codes_are_not_guessed_by_the_thousand_at_either_door(at: At) -> None:
    guest = at("203.0.113.1")
    cart = {"cartItems": request_json()["cartItems"], "promoCode": "GUESS"}
    assert await statuses(20, lambda: guest.post("/api/checkout/quote", cart)) == {422: 20}
    assert await statuses(20, lambda: guest.post("/api/orders", request_json(promoCode="GUESS"))) == {422: 10, 429: 10}
    assert (await guest.post("/api/checkout/quote", cart)).status_code == 429
    del cart["promoCode"]
    assert (await guest.post("/api/checkout/quote", cart)).status_code == 200
    assert (await at("203.0.113.2").post("/api/checkout/quote", {**cart, "promoCode": "G"})).status_code == 422


async def test_a_promotion_that_holds_costs_no_guess(at: At) -> None:
    await at("203.0.113.1").post("/api/promotions", {"code": "TEN", "kind": "percent", "value": 1_000}, STORE)
    cart = {"cartItems": request_json()["cartItems"], "promoCode": "TEN"}
    guest = at("203.0.113.1")
    for _ in range(2):
        assert await statuses(25, lambda: guest.post("/api/checkout/quote", cart)) == {200: 25}


async def test_quotes_are_bounded(at: At) -> None:
    guest, cart = at("203.0.113.1"), {"cartItems": request_json()["cartItems"]}
    assert await statuses(310, lambda: guest.post("/api/checkout/quote", cart)) == {200: 300, 429: 10}


@pytest.mark.parametrize("path", ["/api/products", "/openapi.json", "/docs", "/api/config", "/metrics"])
async def test_reading_is_bounded(store: SqliteStore, settings: Settings, path: str) -> None:
    settings = msgspec.structs.replace(settings, budget_reads="5/1h")
    application: Any = create_api(settings, store)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:
        client = Client(http)
        assert await statuses(4, lambda: client.get(path)) == {200: 4}
        assert await statuses(2, lambda: client.get(path, bearer("garbage"))) == {200: 1, 429: 1}
        assert (await client.get(path, STORE)).status_code == 200, "the shop's people are trusted"
        assert await statuses(6, lambda: client.get(path, CUSTOMER)) == {200: 5, 429: 1}, "who is known has their own"


async def test_registrations_are_bounded(at: At) -> None:
    short = {"email": "asha@example.com", "name": "Asha", "password": "short"}
    stranger = at("203.0.113.1")
    assert await statuses(40, lambda: stranger.post("/api/auth/register", short)) == {422: 30, 429: 10}


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get("/api/orders", bearer("garbage")),
        lambda client: client.get("/api/orders", {"Authorization": "Basic x"}),
        lambda client: client.get("/api/orders"),
        lambda client: client.get("/api/orders/ord_1?token=trk_guess"),
        lambda client: client.get("/api/orders", bearer(token("customer", ttl_s=-60))),
        lambda client: client.post("/api/emit", {"event": "x", "rooms": ["a"], "args": []}, bearer("garbage")),
        lambda client: client.post("/api/orders", request_json(), bearer("garbage")),
        lambda client: client.post("/api/auth/refresh", None, {"Cookie": "ordercast_refresh=x"}),
    ],
    ids=["garbage", "no bearer", "none", "tracking", "expired", "emit", "order", "refresh"],
)
async def test_bad_tokens_are_bounded_at_every_door(
    store: SqliteStore, settings: Settings, ask: Callable[[Client], Awaitable[httpx.Response]]
) -> None:
    settings = msgspec.structs.replace(settings, budget_refused_tokens="5/1h")
    application: Any = create_api(settings, store)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:
        client = Client(http)
        found = await statuses(8, lambda: ask(client))
        assert found == {401: 5, 429: 3}
        assert (await client.get("/api/orders", CUSTOMER)).status_code == 200, "a good one is taken all the same"


async def test_ids_are_not_guessed_by_the_thousand(at: At) -> None:
    guesser = at("203.0.113.1")
    found = await statuses(310, lambda: guesser.get("/api/orders/ord_made_up", CUSTOMER))
    assert found == {404: 300, 429: 10}
    assert (await guesser.get("/api/orders/ord_made_up", STORE)).status_code == 404, "the shop's people are trusted"


async def test_wrong_signatures_of_webhooks_are_bounded(at: At) -> None:
    sender = at("203.0.113.1")
    assert await statuses(70, lambda: sender.post("/api/payments/webhook/sandbox", {})) == {400: 60, 429: 10}


# --- Signing in -------------------------------------------------------------------------------------------------------


async def test_after_many_failures_even_the_right_password_waits(at: At, clock: Clock) -> None:
    client = at("203.0.113.1")
    assert await statuses(30, lambda: client.post(LOGIN, WRONG)) in ({401: 10, 429: 20}, {401: 10, 429: 20, 503: 0})
    response = await client.post(LOGIN, {**RIGHT, "email": "Store@example.com"})
    problem(response, 429, "too-many-attempts")
    assert (await client.post(LOGIN, {**RIGHT, "email": "admin@example.com"})).status_code == 200
    clock.now_s += float(response.headers["retry-after"])
    assert (await client.post(LOGIN, RIGHT)).status_code == 200


async def test_one_caller_cannot_guess_through_everyones_account(store: SqliteStore, settings: Settings) -> None:
    settings = msgspec.structs.replace(settings, budget_sign_ins="3/1h")
    application: Any = create_api(settings, store)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:
        client = Client(http)
        for number in range(3):
            guess = await client.post(LOGIN, {"email": f"person{number}@example.com", "password": "x"})
            assert guess.status_code == 401
        problem(await client.post(LOGIN, RIGHT), 429, "too-many-attempts")


async def test_a_64_is_one_caller(at: At) -> None:
    found = [(await at(f"2001:db8:0:1::{n:x}").post(LOGIN, WRONG)).status_code for n in range(1, 16)]
    assert found == [401] * 10 + [429] * 5
    assert (await at("2001:db8:0:2::1").post(LOGIN, WRONG)).status_code == 401
    mapped = [(await at("::ffff:203.0.113.1").post(LOGIN, WRONG)).status_code for _ in range(5)]
    mapped += [(await at("203.0.113.1").post(LOGIN, WRONG)).status_code for _ in range(6)]
    assert mapped == [401] * 10 + [429]


async def test_strangers_everywhere_guess_an_account_slowly_and_do_not_lock_its_owner_out(at: At, clock: Clock) -> None:
    owner = at("198.51.100.7")
    assert (await owner.post(LOGIN, RIGHT)).status_code == 200
    guesses = [(await at(f"203.0.113.{n}").post(LOGIN, WRONG)).status_code for n in range(60)]
    assert guesses == [401] * 50 + [429] * 10
    assert (await owner.post(LOGIN, RIGHT)).status_code == 200, "where its owner has signed in before"
    late = await at("198.51.100.8").post(LOGIN, RIGHT)
    problem(late, 429, "too-many-attempts")
    clock.now_s += float(late.headers["retry-after"])
    assert (await at("198.51.100.8").post(LOGIN, RIGHT)).status_code == 200, "elsewhere later, never not at all"


async def test_an_account_that_is_none_is_bounded_alike(at: At) -> None:
    nobody = {"email": "nobody@example.com", "password": "x"}
    guesses = [(await at(f"203.0.113.{n}").post(LOGIN, nobody)).status_code for n in range(52)]
    assert guesses == [401] * 50 + [429] * 2


async def test_an_office_that_is_guessed_from_still_lets_those_in_who_were_in_before(at: At) -> None:
    office = at("203.0.113.1")
    assert (await office.post(LOGIN, RIGHT)).status_code == 200
    for number in range(101):
        await office.post(LOGIN, {"email": f"person{number}@example.com", "password": "x"})
    assert (await office.post(LOGIN, {**RIGHT, "email": "admin@example.com"})).status_code == 429
    assert (await office.post(LOGIN, RIGHT)).status_code == 200


async def test_who_signs_in_is_not_counted(at: At) -> None:
    client = at("203.0.113.1")
    for _ in range(12):
        assert (await client.post(LOGIN, RIGHT)).status_code == 200


async def test_a_busy_shop_counts_no_failure(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    client = at("203.0.113.1")
    monkeypatch.setattr("ordercast.api.passwords.CHECKS_WAITING_MAX", 0)
    for _ in range(12):
        problem(await client.post(LOGIN, RIGHT), 503, "overloaded")
    monkeypatch.undo()
    assert (await client.post(LOGIN, RIGHT)).status_code == 200


# --- The tables -------------------------------------------------------------------------------------------------------


def test_every_budget_is_a_setting_and_every_setting_a_budget() -> None:
    assert {budget.name for budget in BUDGETS} == set(SETTINGS)
    for name in SETTINGS:
        assert Rate.parse(Settings().rate(name)).burst > 1
        assert Settings(budgets="off").rate(name) == ""
    assert Settings(budget_orders="off").rate("orders") == ""
    assert repr(make_budgets(Settings())) == f"<Budgets {len(BUDGETS)}>"
    assert repr(make_budgets(Settings(budgets="off"))) == "<Budgets 0>"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(openapi_document())
    return decoded


async def test_every_route_that_a_stranger_may_call_is_charged_to_a_budget(
    client: Client, document: dict[str, Any]
) -> None:
    anonymous = set()
    for path, methods in document["paths"].items():
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            answer = await client.http.request(method, path.replace("{", "").replace("}", ""), json=_body(path, method))
            if answer.status_code != 401 or path.startswith("/api/auth/"):
                anonymous.add(f"{method.upper()} {path}")
    anonymous -= {  # what they take is read before who asks; then they answer 401
        name for name in anonymous if "401" in _responses(document, name) and name not in ANONYMOUS_ROUTES
    }
    assert anonymous <= ANONYMOUS_ROUTES.keys()
    for name in ANONYMOUS_ROUTES:
        assert _responses(document, name), f"there is no {name}"


def _responses(document: dict[str, Any], name: str) -> dict[str, Any]:
    method, path = name.split()
    responses: dict[str, Any] = document["paths"][path][method.lower()]["responses"]
    return responses


def _body(path: str, method: str) -> dict[str, Any] | None:
    return None if method == "get" or "refresh" in path or "logout" in path else {}


async def test_a_spent_budget_is_counted() -> None:
    budgets = Budgets({"orders": Rate(1, 60)})
    before = BUDGET_REFUSALS.labels("orders")._value.get()
    await budgets.take(ORDERS, "a")
    with pytest.raises(TooManyAttempts):
        await budgets.take(ORDERS, "a")
    assert BUDGET_REFUSALS.labels("orders")._value.get() == before + 1


# --- Redis ------------------------------------------------------------------------------------------------------------


class Away:
    """A Redis that does not answer, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def take(self, key: str, rate: Rate) -> float:
        del key, rate
        return await self._ask()

    async def give_back(self, key: str, rate: Rate) -> None:
        del key, rate
        await self._ask()

    async def mark(self, key: str, for_s: int) -> None:
        del key, for_s
        await self._ask()

    async def is_marked(self, key: str) -> bool:
        del key
        return bool(await self._ask())

    async def _ask(self) -> float:
        self.asked += 1
        raise RedisGone


async def test_while_redis_is_away_each_node_counts_by_itself_and_seldom_asks(clock: Clock) -> None:
    away = Away()
    budgets = Budgets({"orders": Rate(2, 60), "reads": Rate(2, 60)}, away, clock)
    assert repr(budgets) == "<Budgets 2 shared>"
    for _ in range(2):
        await budgets.take(ORDERS, "a")
    with pytest.raises(TooManyAttempts):
        await budgets.take(ORDERS, "a")
    await budgets.give_back(ORDERS, "a")
    await budgets.take(ORDERS, "a")
    await budgets.remember_device("b")
    assert await budgets.is_known_device("b")
    assert not await budgets.is_known_device("c")
    await budgets.take(READS, "a")
    assert away.asked == 1
    for ask in (
        lambda: budgets.give_back(ORDERS, "a"),
        lambda: budgets.remember_device("a"),
        lambda: budgets.is_known_device("c"),
    ):
        clock.now_s += REDIS_REST_S
        await ask()
    assert away.asked == 4


DOCS = (Path(__file__).parents[2] / "docs/reference/budgets.md").read_text()


def test_the_documentation_has_every_line_of_the_tables() -> None:
    for budget in BUDGETS:
        counted_by = "all nodes" if budget.shared else "each node"
        rate = Settings().rate(budget.name)
        assert f"| `{budget.name}` | `{rate}` | {budget.counts} | {budget.by} | {counted_by} |\n" in DOCS
        assert DOCS.count(f"**`{budget.name}`**") == 1, "a reason for its default"
    for name, budgets in {**ANONYMOUS_ROUTES, **ANONYMOUS_COMMANDS}.items():
        assert f"| `{name}` | {', '.join(f'`{budget.name}`' for budget in budgets)} |\n" in DOCS
    online = ("connections_per_caller", "sessions_per_caller", "sockets_per_identity")
    for bound in (*online, "guest_orders_open", "guest_pieces_open", "guest_pieces"):
        default = getattr(Settings(), f"{bound}_max")
        assert f"| `ORDERCAST_{bound.upper()}_MAX` | `{default}` |" in DOCS
