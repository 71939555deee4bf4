"""Settings of the HTTP payment provider, as an operator may get them wrong."""

from __future__ import annotations

import base64
import os

import pytest

from ordercast.config import ConfigError, load

KEY = "whsec_" + base64.b64encode(os.urandom(32)).decode()
OTHER = "whsec_" + base64.b64encode(os.urandom(24)).decode()
SHOP = {"ORDERCAST_SECRET": os.urandom(32).hex()}
URL = {"ORDERCAST_PAYMENTS_HTTP_URL": "https://payments.example.com/ordercast?shop=1"}
GOOD = {**SHOP, **URL, "ORDERCAST_PAYMENTS_HTTP_SECRET": KEY}


def test_a_service_that_is_configured_takes_payments() -> None:
    settings = load(GOOD)
    assert (settings.card_provider, settings.http_secrets) == ("http", (KEY,))
    assert settings.http_place == "payments.example.com"
    rotating = load({**GOOD, "ORDERCAST_PAYMENTS_HTTP_SECRET_PREVIOUS": OTHER, "ORDERCAST_PAYMENTS": "http"})
    assert rotating.http_secrets == (KEY, OTHER)
    assert load({**GOOD, "ORDERCAST_PAYMENTS": "cash"}).card_provider is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:4000/", "http://[::1]:4000", "http://localhost/pay"])
def test_on_the_same_machine_it_needs_no_https(url: str) -> None:
    assert load({**GOOD, "ORDERCAST_PAYMENTS_HTTP_URL": url}).payments_http_url == url


def test_a_secret_that_can_be_guessed_is_good_enough_for_a_demo_that_nobody_else_sees() -> None:
    guessable = {**GOOD, "ORDERCAST_PAYMENTS_HTTP_SECRET": "whsec_" + "A" * 44}
    assert load(guessable).card_provider == "http"
    for opened in ({"ORDERCAST_DEMO": "false"}, {"ORDERCAST_HOST": "10.0.0.1"}):
        with pytest.raises(ConfigError, match="can be guessed"):
            load({**guessable, **opened})


@pytest.mark.parametrize(
    "url",
    [
        "http://payments.example.com/", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "payments.example.com",
        "https://", "https:///pay", "https://a b/", "https://[::1", "https://example.com:99999/", "https://example.com:0/",
        "https://user:pw@example.com/", "https://example.com/#x", "https://example.com/\u00fc", "https://example.com/a\nb",
    ],
)  # fmt: skip
def test_an_address_that_could_not_be_trusted_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="ORDERCAST_PAYMENTS_HTTP_URL"):
        load({**GOOD, "ORDERCAST_PAYMENTS_HTTP_URL": url})


@pytest.mark.parametrize(
    ("variable", "changes"),
    [
        ("PAYMENTS", {"PAYMENTS_HTTP_URL": "", "PAYMENTS_HTTP_SECRET": "", "PAYMENTS": "http"}),
        ("PAYMENTS", {"STRIPE_SECRET_KEY": "sk"}),
        ("PAYMENTS_HTTP_SECRET", {"PAYMENTS_HTTP_SECRET": ""}),
        ("PAYMENTS_HTTP_SECRET", {"PAYMENTS_HTTP_SECRET": "whsec_short"}),
        ("PAYMENTS_HTTP_SECRET", {"PAYMENTS_HTTP_SECRET": "a secret that is no base64 at all, sadly"}),
        ("PAYMENTS_HTTP_SECRET", {"PAYMENTS_HTTP_URL": ""}),
        ("PAYMENTS_HTTP_SECRET_PREVIOUS", {"PAYMENTS_HTTP_SECRET_PREVIOUS": KEY}),
        ("PAYMENTS_HTTP_SECRET_PREVIOUS", {"PAYMENTS_HTTP_SECRET_PREVIOUS": "whsec_"}),
        ("PAYMENTS_HTTP_NAME", {"PAYMENTS_HTTP_NAME": "n" * 41}),
        ("PAYMENTS_HTTP_NAME", {"PAYMENTS_HTTP_NAME": "bKash", "PAYMENTS_HTTP_URL": "", "PAYMENTS_HTTP_SECRET": ""}),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(variable: str, changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as refused:
        load({**GOOD, **{f"ORDERCAST_{name}": value for name, value in changes.items()}})
    assert refused.value.variable == f"ORDERCAST_{variable}"


def test_two_providers_may_be_there_where_one_is_named() -> None:
    both = {**GOOD, "ORDERCAST_STRIPE_SECRET_KEY": "sk"}
    assert load({**both, "ORDERCAST_PAYMENTS": "http"}).card_provider == "http"
    assert load({**both, "ORDERCAST_PAYMENTS": "stripe"}).card_provider == "stripe"
