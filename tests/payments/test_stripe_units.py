"""Stripe's units and ours, for every currency."""

from __future__ import annotations

import msgspec
import pytest

from ordercast.commerce.currencies import minor_digits
from ordercast.commerce.errors import ProviderRefused
from ordercast.commerce.money import Money
from ordercast.commerce.payments import Captured, Refunded
from ordercast.payments.providers.stripe.events import read_event
from ordercast.payments.providers.stripe.units import from_stripe, to_stripe


@pytest.mark.parametrize(
    ("money", "theirs"),
    [
        (Money(11_250, "BDT"), 11_250),
        (Money(45_000, "UGX"), 4_500_000),
        (Money(2_990, "ISK"), 299_000),
        (Money(500, "JPY"), 500),
        (Money(299_000, "HUF"), 299_000),
        (Money(5_120, "JOD"), 5_120),
        (Money(12_300, "MGA"), 123),
        (Money(700, "XOF"), 700),
    ],
    ids=str,
)
def test_an_amount_is_what_it_is_in_stripes_unit(money: Money, theirs: int) -> None:
    assert to_stripe(money) == theirs
    assert from_stripe(theirs, money.currency.lower()) == money.minor


@pytest.mark.parametrize("money", [Money(5_125, "JOD"), Money(1, "KWD"), Money(12_350, "MGA")], ids=str)
def test_an_amount_that_is_too_fine_for_stripe_is_refused_and_not_rounded(money: Money) -> None:
    with pytest.raises(ProviderRefused, match="as fine as"):
        to_stripe(money)


@pytest.mark.parametrize("currency", minor_digits())
def test_every_currency_comes_back_as_it_went(currency: str) -> None:
    for major in (1, 7, 45_000, 9_999_999):
        minor = major * 10 ** minor_digits()[currency]
        theirs = to_stripe(Money(minor, currency))
        assert from_stripe(theirs, currency) == minor
        told = {"amount": theirs, "amount_received": theirs, "currency": currency.lower(), "status": "succeeded"}
        captured = read_event(event("payment_intent.succeeded", **told))
        refunded = read_event(event("refund.created", payment_intent="pi_1", **told))
        assert (captured.fact, captured.currency) == (Captured(minor), currency)
        assert (refunded.fact, refunded.currency) == (Refunded("x_1", minor), currency)


def event(kind: str, **about: object) -> bytes:
    return msgspec.json.encode({"id": "evt_1", "type": kind, "data": {"object": {"id": "x_1", **about}}})


def test_what_a_webhook_says_is_read_in_our_unit() -> None:
    captured = read_event(event("payment_intent.succeeded", amount_received=4_500_000, currency="ugx"))
    refunded = read_event(
        event("refund.created", amount=299_000, currency="isk", status="succeeded", payment_intent="pi_1")
    )

    assert captured.fact == Captured(45_000)
    assert refunded.fact == Refunded("x_1", 2_990)


@pytest.mark.parametrize("kind", ["refund.updated", "charge.dispute.created", "payment_intent.succeeded"])
def test_what_stripe_leaves_null_is_no_fault(kind: str) -> None:
    nothing = {"status": None, "amount": None, "amount_received": None, "currency": None, "metadata": None}
    assert read_event(event(kind, **nothing)).event_id == "evt_1"
