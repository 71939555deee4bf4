"""The shop's payment providers: one for new payments, and those that hold older ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.payments import PaymentProvider
from ordercast.commerce.sandbox import SANDBOX
from ordercast.config import Settings
from ordercast.db import Store


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers by name; `taking` is the one of new card payments, if any."""

    all: tuple[PaymentProvider, ...] = ()
    taking: PaymentProvider | None = None
    by_name: dict[str, PaymentProvider] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {provider.name: provider for provider in self.all})

    async def close(self) -> None:
        """Close the connections."""
        for provider in self.all:
            await provider.close()

    @property
    def current(self) -> PaymentProvider:
        """The provider of new card payments. Raises InvalidField if there is none."""
        if self.taking is None:
            raise InvalidField("paymentInfo.method", "This shop takes no cards; pay in cash.")
        return self.taking


def providers_of(settings: Settings, store: Store) -> Providers:
    """Build the configured providers, and the sandbox for its old payments even where it takes no new ones.

    Each is imported when needed: HTTP clients are slow to import.
    """
    from .providers.sandbox import SandboxProvider  # noqa: PLC0415

    all_: list[PaymentProvider] = [SandboxProvider(store, settings.sandbox_secret)]
    if settings.stripe_secret_key:
        from .providers.stripe import StripeProvider  # noqa: PLC0415

        stripe = StripeProvider(settings.stripe_secret_key, settings.stripe_webhook_secret, settings.stripe_api_url)
        all_.append(stripe)
    if settings.payments_http_url:
        from .providers.http import HttpProvider  # noqa: PLC0415

        all_.append(HttpProvider(settings.payments_http_url, settings.http_secrets, settings.payments_http_name))
    taking = next((provider for provider in all_ if provider.name == settings.card_provider), None)
    return Providers(tuple(all_), taking)


_MONEYLESS: Final = "ORDERCAST_PAYMENTS=sandbox: no money moves, whatever card is used"


def payments_summary(settings: Settings) -> str:
    """One line for the operator's log: who takes payments."""
    if settings.card_provider is None:
        return "cash alone; for cards, configure a provider"
    if settings.card_provider == SANDBOX:
        return f"cash, and cards by the sandbox ({'the demo: no money moves' if settings.is_demo else _MONEYLESS})"
    if settings.card_provider == "http":
        return f"cash, and cards by {settings.payments_http_name or 'the HTTP provider'} ({settings.http_place})"
    return f"cash, and cards by {settings.card_provider}"
