"""How often somebody may speak in conversations: a person, over all their sockets; the shop as often as it wants."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ordercast.config import Settings
from tests.api.client import CUSTOMER, STORE, Client

from .conftest import Connect

BOUND = 2


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings, budgets="on", budget_messages="2/1h", budget_typing="2/1h", budget_receipts="2/1h"
    )


@pytest.mark.parametrize(
    ("budget", "command", "extra"),
    [
        ("messages", "send_message", {"text": "Hello"}),
        ("typing", "typing", {}),
        ("receipts", "mark_seen", {"position": 0}),
        ("receipts", "mark_delivered", {"position": 0}),
    ],
)
async def test_a_customer_is_bounded_and_the_shop_is_not(
    client: Client, connect: Connect, budget: str, command: str, extra: dict[str, Any]
) -> None:
    order = await client.place(CUSTOMER)
    conversation = (await client.post("/api/conversations", {"orderId": order["id"]}, STORE)).json()["id"]
    said = {"conversationId": conversation, **extra}
    for _ in range(BOUND):
        await (await connect("customer", "cus_1")).ask(command, said)
    error = await (await connect("customer", "cus_1")).refused(command, said)
    assert (error["code"], error["budget"]) == ("too_many_attempts", budget)
    assert 0 < error["retryAfter"] <= 3_600
    clerk = await connect("store")
    for _ in range(BOUND + 1):
        await clerk.ask(command, said)
