"""How often commands are answered, and guesses among them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ordercast.config import Settings

from .conftest import Connect
from .phone import Phone


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, budgets="on", budget_commands="5/1h", budget_not_found="3/1h")


async def watch(phone: Phone, order_id: str) -> str:
    """The code with which watching an order is refused."""
    (ack,) = await phone.answered(phone.send("watch_order", {"orderId": order_id}))
    error: dict[str, Any] = ack["error"]
    if error["code"] == "too_many_attempts":
        assert error["message"].startswith("Too many attempts.")
        return f"too_many_attempts {error['budget']}"
    return str(error["code"])


async def test_made_up_ids_and_commands_are_bounded_for_a_person_on_all_their_sockets(connect: Connect) -> None:
    one, other = await connect("customer", "cus_1"), await connect("customer", "cus_1")
    found = [
        await watch(one, "ord_1"),
        await watch(other, "ord_2"),
        await watch(one, "ord_3"),
        await watch(one, "ord_4"),
    ]
    assert found == ["not_found"] * 3 + ["too_many_attempts not_found"]
    assert await watch(other, "ord_5") == "too_many_attempts not_found"
    assert await watch(other, "ord_6") == "too_many_attempts commands"
    assert await watch(await connect("customer", "cus_2"), "ord_7") == "not_found"


async def test_the_shops_people_are_not_bounded(connect: Connect) -> None:
    phone = await connect("store")
    assert [await watch(phone, f"ord_{number}") for number in range(8)] == ["not_found"] * 8


async def test_a_socket_without_a_token_is_charged_to_its_address(connect: Connect) -> None:
    found = [await watch(await connect(), "ord_1") for _ in range(7)]
    assert found == ["sign_in_required"] * 5 + ["too_many_attempts commands"] * 2
