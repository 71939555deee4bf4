"""Settings of payment providers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from .errors import ConfigError
from .network import wrong_service_url
from .secrets import SIGNING_KEY, is_guessable, is_standard_secret
from .tokens import TokenSettings


class PaymentSettings(TokenSettings, frozen=True, kw_only=True):
    payments: Literal["", "cash", "sandbox", "stripe", "http"] = ""
    """Who takes new card payments. Empty: the provider that is configured, else the sandbox for a demo on an embedded
    database, else nobody: `cash` alone. With ``sandbox`` no money moves.
    """
    stripe_secret_key: str = ""
    """With it, cards are charged through Stripe."""
    stripe_webhook_secret: str = ""
    """Verifies webhooks at ``/api/payments/webhook/stripe`` (``whsec_...``)."""
    stripe_api_url: str = "https://api.stripe.com"
    payments_http_url: str = ""
    """URL of the shop's own payment service."""
    payments_http_secret: str = ""
    """A Standard Webhooks secret (``whsec_...``): signs requests to that service, and its webhooks."""
    payments_http_secret_previous: str = ""
    """The secret before it, while the service may still use that one."""
    payments_http_name: Annotated[str, Meta(max_length=40)] = ""
    """The provider's display name, such as ``bKash``."""
    sandbox_webhook_secret: str = ""
    """A Standard Webhooks secret, for messages to ``/api/payments/webhook/sandbox``."""

    @property
    def card_provider(self) -> str | None:
        """Who takes new card payments, by its name; None where cash alone is taken."""
        if self.payments:
            return None if self.payments == "cash" else self.payments
        if self.stripe_secret_key:
            return "stripe"
        if self.payments_http_url:
            return "http"
        return "sandbox" if self.is_demo else None

    @property
    def sandbox_secret(self) -> str:
        """What signs messages to the sandbox's webhook. While it takes cards and no secret is set, it is one that is
        made of the shop's own: whoever has that can do more than move money that there is not.
        """
        if self.sandbox_webhook_secret or self.card_provider != "sandbox" or not self.secret:
            return self.sandbox_webhook_secret
        made = hmac.new(self.secret.encode(), b"sandbox webhook", hashlib.sha256).digest()
        return f"whsec_{base64.b64encode(made).decode()}"

    @property
    def http_secrets(self) -> tuple[str, ...]:
        """Those that the HTTP provider may sign with, the one of now first."""
        return tuple(filter(None, (self.payments_http_secret, self.payments_http_secret_previous)))

    @property
    def http_place(self) -> str:
        """The host of the HTTP provider: its path may be a secret."""
        return urlsplit(self.payments_http_url).netloc


# --- Checks -----------------------------------------------------------------------------------------------------------


def check_payments(settings: PaymentSettings) -> None:
    if settings.payments == "stripe" and not settings.stripe_secret_key:
        raise ConfigError("payments", "stripe takes no payment without ORDERCAST_STRIPE_SECRET_KEY")
    if urlsplit(settings.stripe_api_url).scheme not in {"http", "https"}:
        raise ConfigError("stripe_api_url", "must be an http(s) URL")
    if settings.stripe_webhook_secret and not settings.stripe_secret_key:
        raise ConfigError("stripe_webhook_secret", "is of no use without ORDERCAST_STRIPE_SECRET_KEY")
    if not settings.payments and settings.stripe_secret_key and settings.payments_http_url:
        raise ConfigError("payments", "must say who takes new payments: stripe or http, for both are configured")
    _check_http_provider(settings)
    secret = settings.sandbox_webhook_secret
    if secret and not is_standard_secret(secret):
        raise ConfigError("sandbox_webhook_secret", SIGNING_KEY)


def _check_http_provider(settings: PaymentSettings) -> None:
    url = settings.payments_http_url
    if not url:
        if settings.payments == "http":
            raise ConfigError("payments", "http takes no payment without ORDERCAST_PAYMENTS_HTTP_URL")
        for name in ("secret", "secret_previous", "name"):
            if getattr(settings, f"payments_http_{name}"):
                raise ConfigError(f"payments_http_{name}", "is of no use without ORDERCAST_PAYMENTS_HTTP_URL")
        return
    if (problem := wrong_service_url(url)) is not None:
        raise ConfigError("payments_http_url", problem)
    if not settings.payments_http_secret:
        raise ConfigError("payments_http_secret", "is required with ORDERCAST_PAYMENTS_HTTP_URL: " + SIGNING_KEY)
    _check_http_secrets(settings)


def _check_http_secrets(settings: PaymentSettings) -> None:
    for name in ("payments_http_secret", "payments_http_secret_previous"):
        secret = getattr(settings, name)
        if secret and not is_standard_secret(secret):
            raise ConfigError(name, SIGNING_KEY)
        # Whoever guesses it says that orders are paid.
        if secret and not settings.is_development and is_guessable(secret.removeprefix("whsec_")):
            raise ConfigError(name, "can be guessed: it repeats itself, counts on, or is an example")
    if settings.payments_http_secret_previous == settings.payments_http_secret:
        raise ConfigError("payments_http_secret_previous", "is the secret of now; it names the one before")
