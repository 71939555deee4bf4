"""Samples of providers' events: the schemes' own libraries verify them, and each is read as what it is called."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
import stripe
from standardwebhooks import Webhook

from ordercast.commerce.money import Money
from ordercast.commerce.payments import Captured, Refunded
from ordercast.config import ConfigError, Settings
from ordercast.payments import Providers, providers_of
from ordercast.payments.events import _KINDS
from ordercast.payments.providers.stripe.events import _READ
from ordercast.payments.sample_events import SamplePayment, provider_called, sample, sign
from tests.api.client import SECRET

from .signed import STANDARD, STRIPE

SETTINGS = Settings(
    secret=SECRET,
    payments="sandbox",
    stripe_secret_key="sk_test",
    stripe_webhook_secret=STRIPE,
    payments_http_url="http://127.0.0.1:9/",
    payments_http_secret=STANDARD,
)
PAYMENT = SamplePayment("pay_7", Money(11_250, "BDT"), ("booking", "bkg_7"))
KINDS = [("stripe", kind) for kind in sorted(_READ)] + [(name, kind) for name in ("http", "sandbox") for kind in _KINDS]


@pytest.fixture(scope="module")
def providers() -> Providers:
    nowhere: Any = None
    return providers_of(SETTINGS, nowhere)


@pytest.mark.parametrize(("provider", "kind"), [*KINDS, ("stripe", "invoice.paid"), ("sandbox", "invoice.paid")])
def test_a_sample_is_believed_by_the_schemes_own_library_and_read_as_what_it_is(
    providers: Providers, provider: str, kind: str
) -> None:
    now_s = time.time()
    body = sample(provider, kind, PAYMENT, "evt_7", now_s)
    headers = {name.lower(): value for name, value in sign(SETTINGS, provider, "evt_7", body, now_s).items()}
    if provider == "stripe":
        stripe.WebhookSignature.verify_header(body.decode(), headers["stripe-signature"], STRIPE)
    else:
        Webhook(STANDARD if provider == "http" else SETTINGS.sandbox_secret).verify(body, headers)
    event = providers.by_name[provider].read_event(body, headers, now_s)
    assert (event.event_id, event.kind) == ("evt_7", kind)
    is_of_stripes = provider == "stripe" and kind.startswith(("refund.", "charge."))  # objects without our metadata
    assert event.pays_for == (None if is_of_stripes or kind == "invoice.paid" else "bkg_7")
    if kind != "invoice.paid":
        assert event.payment == "pay_7"
        assert event.fact is not None
        assert event.currency in {"BDT", None}
    if isinstance(event.fact, Captured | Refunded):
        assert event.fact.amount == 11_250


def test_amounts_are_in_stripes_own_unit(providers: Providers) -> None:
    for currency, minor in (("JPY", 500), ("UGX", 500), ("JOD", 5_120)):
        body = sample("stripe", "payment_intent.succeeded", SamplePayment("pi_1", Money(minor, currency)), "evt", 0.0)
        assert providers.by_name["stripe"].parse_event("evt", body).fact == Captured(minor)


def test_who_speaks_is_who_takes_cards_unless_somebody_is_named() -> None:
    assert provider_called(SETTINGS, None) == "sandbox"
    assert provider_called(SETTINGS, "stripe") == "stripe"
    assert provider_called(SETTINGS, "standard") == "http"
    assert provider_called(Settings(secret=SECRET), "standard") == "sandbox"
    assert provider_called(Settings(secret=SECRET, stripe_secret_key="sk"), None) == "stripe"


@pytest.mark.parametrize(
    ("provider", "changes", "variable"),
    [
        ("stripe", {"stripe_secret_key": ""}, "ORDERCAST_STRIPE_SECRET_KEY"),
        ("stripe", {"stripe_webhook_secret": ""}, "ORDERCAST_STRIPE_WEBHOOK_SECRET"),
        ("http", {"payments_http_url": ""}, "ORDERCAST_PAYMENTS_HTTP_URL"),
        ("sandbox", {"payments": "cash"}, "ORDERCAST_SANDBOX_WEBHOOK_SECRET"),
    ],
)
def test_what_is_missing_is_named(provider: str, changes: dict[str, Any], variable: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        sign(msgspec.structs.replace(SETTINGS, **changes), provider, "evt", b"{}", 0.0)


def test_the_sandboxs_secret_is_made_of_the_shops_while_it_takes_cards_and_none_is_set() -> None:
    made = SETTINGS.sandbox_secret
    assert made.startswith("whsec_")
    assert made != msgspec.structs.replace(SETTINGS, secret=f"{SECRET}!").sandbox_secret
    assert msgspec.structs.replace(SETTINGS, sandbox_webhook_secret=STANDARD).sandbox_secret == STANDARD
    assert msgspec.structs.replace(SETTINGS, payments="stripe").sandbox_secret == ""
