"""What every provider of payments does alike, whatever its own unit, words and statuses: one suite for all adapters."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from ordercast.commerce.currencies import minor_digits
from ordercast.commerce.errors import PaymentDeclined, ProviderRefused
from ordercast.commerce.money import Money
from ordercast.commerce.payments import Captured, CardToken, Charge, PaymentProvider, Refunded, Voided
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore
from ordercast.payments.providers.http import HttpProvider
from ordercast.payments.providers.sandbox import SandboxProvider
from ordercast.payments.providers.stripe import StripeProvider

from .services import SECRET, node_service, python_service
from .stripe_stand_in import SECRET_KEY, StripeStandIn

HELD = {"sandbox": "tok_authorize_only", "stripe": "tok_visa", "http": "tok_visa"}
DECLINED = {"sandbox": "tok_declined", "stripe": "tok_chargeDeclined", "http": "tok_declined"}
ASKS_FIRST = {"sandbox": "tok_3ds", "stripe": "tok_threeDSecure", "http": "tok_redirect"}

# Of every provider: a multiple of the coarsest unit that one of them has.
AMOUNT, PART = 10_000, 4_000
_keys = (f"ord_{number}_{os.urandom(4).hex()}" for number in itertools.count(1))


@pytest.fixture
def stripe_url() -> Iterator[str]:
    stand_in = StripeStandIn()
    yield stand_in.url
    stand_in.close()


@pytest.fixture(scope="module")
def python_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with python_service(tmp_path_factory.mktemp("payments")) as url:
        yield url


@pytest.fixture(scope="module")
def node_url() -> Iterator[str]:
    with node_service() as url:
        yield url


@pytest.fixture(params=["sandbox", "stripe", "python", pytest.param("node", marks=pytest.mark.node)])
async def provider(request: pytest.FixtureRequest, store: SqliteStore) -> AsyncIterator[PaymentProvider]:
    """Every one; the HTTP provider with each of the services that we show how to write."""
    provider: PaymentProvider
    match request.param:
        case "sandbox":
            provider = SandboxProvider(store)
        case "stripe":
            provider = StripeProvider(SECRET_KEY, "", request.getfixturevalue("stripe_url"))
        case service:
            provider = HttpProvider(request.getfixturevalue(f"{service}_url"), [SECRET])
    yield provider
    await provider.close()


def charge(amount: Money, token: str) -> Charge:
    key = next(_keys)
    return Charge(key, key, amount, CardToken(token), "https://shop.example.com/track/1")


async def test_every_currency_goes_there_and_back_unchanged(provider: PaymentProvider) -> None:
    for currency in minor_digits():
        amount, part = Money(AMOUNT, currency), Money(PART, currency)
        taken = await provider.authorize(charge(amount, HELD[provider.name]))
        assert (taken.status, taken.amount) == (PaymentStatus.AUTHORIZED, amount)
        assert taken.reference is not None
        held = await provider.lookup(taken.reference)
        assert held is not None
        assert (held.currency, held.captured, held.is_held) == (currency, 0, True)
        assert await provider.capture(taken.reference, amount, f"{taken.key}:capture") == Captured(AMOUNT)
        made = await provider.refund(taken.reference, part, f"{taken.key}:refund")
        assert isinstance(made, Refunded)
        assert made.amount == PART
        books = await provider.lookup(taken.reference)
        assert books is not None
        assert (books.currency, books.captured, books.refunded, books.is_held) == (currency, AMOUNT, PART, False)


async def test_what_is_asked_again_with_its_key_is_done_once(provider: PaymentProvider) -> None:
    amount = Money(AMOUNT, "BDT")
    wanted = charge(amount, HELD[provider.name])
    first, second = [await provider.authorize(wanted) for _ in range(2)]
    assert first.reference is not None
    assert first.reference == second.reference
    for _ in range(2):
        assert await provider.capture(first.reference, amount, "capture") == Captured(AMOUNT)
    made, again = [await provider.refund(first.reference, Money(PART, "BDT"), "refund") for _ in range(2)]
    assert made == again
    books = await provider.lookup(first.reference)
    assert books is not None
    assert books.refunded == PART
    with pytest.raises(ProviderRefused):
        await provider.refund(first.reference, amount, "too much")


async def test_what_is_let_go_is_held_no_more_and_what_was_taken_says_so(provider: PaymentProvider) -> None:
    amount = Money(AMOUNT, "BDT")
    for is_captured in (False, True):
        taken = await provider.authorize(charge(amount, HELD[provider.name]))
        assert taken.reference is not None
        if is_captured:
            await provider.capture(taken.reference, amount, f"{taken.key}:capture")
        released = await provider.void(taken.reference, f"{taken.key}:void")
        assert released == (Captured(AMOUNT) if is_captured else Voided())
        books = await provider.lookup(taken.reference)
        assert books is not None
        assert not books.is_held


async def test_a_payment_whose_answer_was_lost_is_found_by_its_key(provider: PaymentProvider) -> None:
    since = timestamp(time.time_ns() // 1_000_000)
    wanted = charge(Money(AMOUNT, "BDT"), HELD[provider.name])
    assert await provider.find(wanted.key, since) is None
    taken = await provider.authorize(wanted)
    found = await provider.find(wanted.key, since)
    assert found is not None
    assert found.reference == taken.reference
    assert await provider.lookup("pi_unknown") is None


async def test_a_card_that_is_declined_or_unsure_takes_nothing(provider: PaymentProvider) -> None:
    with pytest.raises(PaymentDeclined):
        await provider.authorize(charge(Money(AMOUNT, "BDT"), DECLINED[provider.name]))
    taken = await provider.authorize(charge(Money(AMOUNT, "BDT"), ASKS_FIRST[provider.name]))
    assert (taken.status, taken.saved) == (PaymentStatus.UNPAID, None)
    assert taken.action is not None
    assert taken.action.url is not None
    assert taken.reference is not None
    books = await provider.lookup(taken.reference)
    assert books is not None
    assert (books.captured, books.is_held, books.needs_action) == (0, False, True)
    assert await provider.void(taken.reference, f"{taken.key}:void") == Voided()
    ended = await provider.lookup(taken.reference)
    assert ended is not None
    assert not ended.needs_action


@pytest.mark.parametrize("service", ["python", pytest.param("node", marks=pytest.mark.node)])
async def test_a_sample_lets_a_customer_pay_who_came_from_no_page_and_outlives_one_who_breaks_off(
    request: pytest.FixtureRequest, service: str
) -> None:
    url = request.getfixturevalue(f"{service}_url")
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port)) as broken_off:
        broken_off.sendall(b"POST / HTTP/1.1\r\nHost: pay.example.com\r\nContent-Length: 100\r\n\r\n{")
    provider = HttpProvider(url, [SECRET])
    wanted = replace(charge(Money(AMOUNT, "BDT"), ASKS_FIRST["http"]), return_url=None)

    taken = await provider.authorize(wanted)
    assert taken.action is not None
    assert taken.reference is not None
    async with httpx.AsyncClient() as browser:
        page = await browser.post(str(taken.action.url), data={"answer": "yes"})

    assert (page.status_code, "You can close this page" in page.text) == (200, True)
    books = await provider.lookup(taken.reference)
    await provider.close()
    assert books is not None
    assert books.is_held
