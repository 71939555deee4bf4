"""Which providers this shop has: one for new payments, and those that hold older ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.payments import PaymentProvider
from ordercast.config import Settings
from ordercast.db import Store

from .sandbox import SandboxProvider
from .stripe import StripeProvider


@dataclass(frozen=True, slots=True)
class Providers:
    """The first takes new payments; each is found by its name, to settle what it took."""

    all: tuple[PaymentProvider, ...] = ()
    by_name: dict[str, PaymentProvider] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {provider.name: provider for provider in self.all})

    async def close(self) -> None:
        """Let go of the connections to them."""
        for provider in self.all:
            await provider.close()

    @property
    def current(self) -> PaymentProvider:
        """Raises ProviderUnavailable where there is none."""
        if not self.all:
            raise ProviderUnavailable
        return self.all[0]


def providers_of(settings: Settings, store: Store) -> Providers:
    """Stripe where it is configured, and else the sandbox; which stays, for the payments that it took."""
    sandbox = SandboxProvider(store, settings.sandbox_webhook_secret)
    if not settings.stripe_secret_key:
        return Providers((sandbox,))
    stripe = StripeProvider(settings.stripe_secret_key, settings.stripe_webhook_secret, settings.stripe_api_url)
    return Providers((stripe, sandbox))
