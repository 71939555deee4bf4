"""How often the code of a delivery may be guessed."""

from __future__ import annotations

import msgspec
import pytest

from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import CUSTOMER, Client, problem
from .drivers_at_work import driver
from .test_deliveries import carried, look


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, budgets="on")


async def test_a_code_can_be_guessed_a_few_times_only(client: Client, store: SqliteStore) -> None:
    order = await carried(client, store)
    code = (await look(client, order, CUSTOMER))["code"]
    for wrong in [f"{n:06d}" for n in range(11) if f"{n:06d}" != code][:10]:
        answer = await client.move(order, "delivered", driver("drv_a"), proof={"kind": "code", "value": wrong})
        problem(answer, 422, "invalid-field", "proof.value")
    right = await client.move(order, "delivered", driver("drv_a"), proof={"kind": "code", "value": code})
    problem(right, 429, "too-many-attempts")


async def test_a_move_that_changes_nothing_takes_no_guess_back(client: Client, store: SqliteStore) -> None:
    order = await carried(client, store)
    code = (await look(client, order, CUSTOMER))["code"]
    proof = {"kind": "code", "value": f"{(int(code) + 1) % 1_000_000:06d}"}
    for _ in range(5):
        problem(
            await client.move(order, "delivered", driver("drv_a"), proof=proof), 422, "invalid-field", "proof.value"
        )
        assert (await client.move(order, "in_transit", driver("drv_a"), proof=proof)).status_code == 200
    problem(await client.move(order, "delivered", driver("drv_a"), proof=proof), 429, "too-many-attempts")


async def test_who_may_not_deliver_an_order_cannot_use_up_its_guesses(client: Client, store: SqliteStore) -> None:
    order = await carried(client, store)
    code = (await look(client, order, CUSTOMER))["code"]
    proof = {"kind": "code", "value": code}
    for _ in range(11):
        assert (await client.move(order, "delivered", CUSTOMER, proof=proof)).status_code in {403, 409, 429}
    assert (await client.move(order, "delivered", driver("drv_a"), proof=proof)).status_code == 200


async def test_no_number_of_made_up_orders_gives_guesses_back(client: Client, store: SqliteStore) -> None:
    order = await carried(client, store)
    code = (await look(client, order, CUSTOMER))["code"]
    proof = {"kind": "code", "value": f"{(int(code) + 1) % 1_000_000:06d}"}
    for _ in range(10):
        assert (await client.move(order, "delivered", driver("drv_a"), proof=proof)).status_code == 422
    for number in range(500):
        made_up = {"id": f"ord_{number}", "version": 1}
        answer = await client.move(made_up, "delivered", driver("drv_a"), proof=proof)
        assert answer.status_code in {404, 429}
    problem(await client.move(order, "delivered", driver("drv_a"), proof=proof), 429, "too-many-attempts")
