"""Which providers this shop has: one for new payments, and those that hold older ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.payments import PaymentProvider
from ordercast.config import Settings
from ordercast.db import Store

from .sandbox import SandboxProvider


@dataclass(frozen=True, slots=True)
class Providers:
    """The first takes new payments; each is found by its name, to settle what it took."""

    all: tuple[PaymentProvider, ...] = ()
    by_name: dict[str, PaymentProvider] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {provider.name: provider for provider in self.all})

    @property
    def current(self) -> PaymentProvider:
        """Raises ProviderUnavailable where there is none."""
        if not self.all:
            raise ProviderUnavailable
        return self.all[0]


def providers_of(settings: Settings, store: Store) -> Providers:
    """The sandbox, which takes payments until a real provider is configured."""
    del settings
    return Providers((SandboxProvider(store),))
