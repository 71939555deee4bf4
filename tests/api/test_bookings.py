"""Bookings over HTTP: made at a price of ours, of a time that is free, seen and moved by whose they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ordercast.db import Store

from .bookings_at_work import CUSTOMER_INFO, at, book, hire_carers, offer, try_to_book
from .client import CUSTOMER, NOBODY, STRANGER, Client


@pytest.fixture
async def service(client: Client, store: Store) -> dict[str, Any]:
    await hire_carers(client, store, "car_1")
    return await offer(client, "car_1")


# --- Making -----------------------------------------------------------------------------------------------------------


async def test_a_booking_has_its_price_and_carer_from_the_shop(client: Client, service: dict[str, Any]) -> None:
    made = await book(client, service, at(10), note="The bell is broken")
    assert made == {
        "id": made["id"], "number": 1, "status": "requested", "paymentStatus": "unpaid", "version": 1,
        "serviceId": service["id"], "serviceName": "Home care", "serviceNameBn": "",
        "startsAt": at(10), "endsAt": at(11), "carerId": "car_1", "carerName": "1",
        "total": 50_000, "currency": "BDT", "amountPaid": 0, "amountRefunded": 0, "amountRefunding": 0,
        "customerInfo": CUSTOMER_INFO, "paymentInfo": {"method": "cash"}, "note": "The bell is broken",
        "customerId": "cus_1", "createdAt": made["createdAt"], "updatedAt": made["createdAt"],
    }  # fmt: skip
    assert made["id"].startswith("bkg_")
    assert (await client.get(f"/api/bookings/{made['id']}", CUSTOMER)).json() == made


async def test_a_time_that_is_taken_is_answered_with_the_nearest_that_are_free(
    client: Client, service: dict[str, Any]
) -> None:
    await book(client, service, at(10))
    refused = await try_to_book(client, service, at(10, 30), STRANGER)
    assert refused.status_code == 409
    problem = refused.json()
    assert (problem["type"], problem["field"]) == ("/problems/time-not-free", "startsAt")
    assert [each["startsAt"] for each in problem["nearest"]] == [at(11), at(11, 30), at(9), at(12), at(8, 30)]
    assert problem["nearest"][0] == {"startsAt": at(11), "endsAt": at(12), "carerIds": ["car_1"]}


async def test_of_64_who_want_one_time_at_once_one_has_it(client: Client, service: dict[str, Any]) -> None:
    answers = await asyncio.gather(*(try_to_book(client, service, at(10), NOBODY) for _ in range(64)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 63
    assert all(answer.json()["nearest"] for answer in answers if answer.status_code == 409)
