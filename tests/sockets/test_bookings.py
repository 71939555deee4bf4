"""Bookings by sockets: who hears of one, and who moves it."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.db import Store
from tests.api.bookings_at_work import at, book, hire_carers, moved, offer
from tests.api.client import CUSTOMER, NOBODY, SERVICE, STORE, Client

from .conftest import Connect
from .phone import Phone


@pytest.fixture
async def service(client: Client, store: Store) -> dict[str, Any]:
    await hire_carers(client, store, "car_1", "car_2")
    return await offer(client, "car_1", "car_2")


async def asked(phone: Phone, **command: Any) -> dict[str, Any]:
    (ack,) = await phone.answered(phone.send("update_booking_status", command))
    found: dict[str, Any] = ack
    return found


async def test_shop_customer_and_carer_hear_of_a_booking_once_and_nobody_else(
    client: Client, connect: Connect, service: dict[str, Any]
) -> None:
    hearing = [await connect("store"), await connect("customer", "cus_1"), await connect("carer", "car_1")]
    deaf = [
        await connect("customer", "cus_2"), await connect("carer", "car_2"), await connect("driver"), await connect(),
    ]  # fmt: skip
    booking = await book(client, service, at(10), CUSTOMER, carerId="car_1")
    await moved(client, booking, "confirmed")
    for phone in hearing:
        await phone.heard("booking_update")
        ((told, offset),) = await phone.heard("new_booking")
        assert (told["bookingId"], told["booking"]["startsAt"]) == (booking["id"], at(10))
        assert offset.count(":") == 1
    assert [phone.events("new_booking", "booking_update") for phone in deaf] == [[], [], [], []]


async def test_a_guest_hears_of_the_booking_of_their_token_and_calls_it_off(
    client: Client, connect: Connect, service: dict[str, Any]
) -> None:
    booking, other = await book(client, service, at(10), NOBODY), await book(client, service, at(12), NOBODY)
    guest = await connect(tracking=booking["trackingToken"])
    await moved(client, other, "confirmed")
    await moved(client, booking, "confirmed")
    ((told, _),) = await guest.heard("booking_update")
    assert (told["bookingId"], told["customerName"], told["userId"]) == (booking["id"], "A••• R•••", None)
    refused = await asked(guest, bookingId=other["id"], status="cancelled", version=2, reason="Not today")
    assert refused["error"]["code"] == "not_found"
    wanted = {"bookingId": booking["id"], "status": "cancelled", "version": 2, "reason": "Not today", "clientId": "c"}
    first, again = await asked(guest, **wanted), await asked(guest, **wanted)
    assert first == again
    assert (first["data"]["status"], first["data"]["customerInfo"]["name"]) == ("cancelled", "A••• R•••")
    assert (await guest.heard("booking_update", 2))[1][0]["status"] == "cancelled"


async def test_a_carer_moves_their_own_by_a_socket(client: Client, connect: Connect, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10), CUSTOMER, carerId="car_1")
    mine, others = await connect("carer", "car_1"), await connect("carer", "car_2")
    wanted = {"bookingId": booking["id"], "status": "confirmed", "version": 1}
    assert (await asked(others, **wanted))["error"]["code"] == "not_found"
    done = (await asked(mine, **wanted))["data"]
    assert (done["status"], done["customerInfo"]["email"]) == ("confirmed", None)
    stale = (await asked(mine, **{**wanted, "status": "in_progress"}))["error"]
    assert (stale["code"], stale["current"], stale["version"]) == ("stale_version", "confirmed", 2)


async def test_a_booking_of_a_back_end_and_one_of_ours_are_read_alike(
    client: Client, connect: Connect, service: dict[str, Any]
) -> None:
    board = await connect("store")
    await client.post("/emit-booking", {"bookingId": "b_1", "userId": "cus_1", "any": [1]}, SERVICE)
    ours = await book(client, service, at(10), CUSTOMER)
    told = [args[0] for args in await board.heard("new_booking", 2)]
    assert [(each["bookingId"], each["userId"]) for each in told] == [("b_1", "cus_1"), (ours["id"], "cus_1")]
    assert told[0] == {"bookingId": "b_1", "userId": "cus_1", "any": [1]}


async def test_what_another_program_writes_is_heard_too(
    client: Client, store: Store, connect: Connect, service: dict[str, Any]
) -> None:
    board, carer = await connect("store"), await connect("carer", "car_1")
    booking = await book(client, service, at(10), STORE, carerId="car_1")
    await store.write(lambda transaction: transaction.run("UPDATE bookings SET status = 'confirmed'"))
    for phone in (board, carer):
        ((told, _),) = await phone.heard("booking_update")
        assert (told["bookingId"], told["version"]) == (booking["id"], 2)
    assert (await board.heard("booking_update"))[0][0]["actor"].startswith("db:")
