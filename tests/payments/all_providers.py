"""A shop that knows every provider, and whose payments are its sandbox's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest

from ordercast.commerce.money import Money
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.payments import PaymentTaken
from ordercast.commerce.states import PaymentMethod, PaymentStatus
from ordercast.config import Settings
from ordercast.db import Store
from ordercast.db.orders.placing import Placing
from ordercast.payments import Providers, providers_of
from tests.db.shop import new_order

from .signed import STANDARD, STRIPE

TOTAL = 11_250


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        payments="sandbox",
        sandbox_webhook_secret=STANDARD,
        stripe_secret_key="sk_test",
        stripe_webhook_secret=STRIPE,
        payments_http_url="http://127.0.0.1:9/",
        payments_http_secret=STANDARD,
    )


@pytest.fixture
async def providers(store: Store, settings: Settings) -> AsyncIterator[Providers]:
    made = providers_of(settings, store)
    yield made
    await made.close()


async def place(store: Store, reference: str, provider: str = "stripe") -> str:
    """An order whose payment a provider holds; its id."""
    new = new_order()
    info = PaymentInfo(PaymentMethod.CARD)
    taken = PaymentTaken(PaymentStatus.AUTHORIZED, info, Money(TOTAL, "BDT"), provider, reference)
    await store.write(Placing(replace(new, payment=taken)))
    return new.order_id
