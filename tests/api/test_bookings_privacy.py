"""Personal data in bookings: exported with the rest, and forgotten with it once they have ended."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.db import SqliteStore

from .bookings_at_work import at, book, hire_carers, moved, offer
from .client import CUSTOMER, NOBODY, STORE, Client, bearer, problem
from .test_privacy import ADMIN, CUSTOMER_INFO, PERSON, customer, erase, everything

NOTE = "Ring twice, my mother hears little"


@pytest.fixture
async def service(client: Client, store: SqliteStore) -> dict[str, Any]:
    await hire_carers(client, store, "car_1")
    return await offer(client, "car_1")


async def past(client: Client, service: dict[str, Any], headers: Any) -> dict[str, Any]:
    key = {**headers, "Idempotency-Key": "once"}
    booking = await book(client, service, at(10), key, customerInfo=CUSTOMER_INFO, note=NOTE)
    shown = headers or bearer(booking["trackingToken"])
    reason = {"reason": f"I, {PERSON[0]}, have moved"}
    cancelled = await client.post(f"/api/bookings/{booking['id']}/cancel", reason, shown)
    assert cancelled.status_code == 200, cancelled.text
    return booking


async def test_a_customer_is_told_of_their_bookings_and_what_became_of_them(
    client: Client, service: dict[str, Any]
) -> None:
    _, headers = await customer(client)
    booking = await past(client, service, headers)
    data = (await client.get("/api/me/export", headers)).json()["data"]
    (kept,) = data["bookings"]
    assert (kept["id"], kept["note"], kept["customerMobile"]) == (booking["id"], NOTE, PERSON[2])
    assert [entry["toStatus"] for entry in data["bookingHistory"]] == ["requested", "cancelled"]


@pytest.mark.parametrize("registered", [True, False], ids=["registered", "guest"])
async def test_nothing_of_a_person_is_left_in_a_booking_and_it_stays(
    client: Client, store: SqliteStore, service: dict[str, Any], registered: bool
) -> None:
    headers = (await customer(client))[1] if registered else NOBODY
    booking = await past(client, service, headers)
    known = (*PERSON[:3], NOTE)
    before = await everything(store)
    assert all(text in before for text in known)
    erased = await erase(client, booking["customerId"])
    assert erased.status_code == 200, erased.text
    after = await everything(store)
    assert [text for text in known if text in after] == []
    history = (await client.get(f"/api/bookings/{booking['id']}/history", STORE)).json()["items"]
    assert {(each["actor"], each["reason"]) for each in history[:2]} == {("customer:erased", None)}
    shown = (await client.get(f"/api/bookings/{booking['id']}", STORE)).json()
    assert (shown["status"], shown["total"], shown["note"]) == ("cancelled", booking["total"], None)
    if not registered:
        refused = await client.get(f"/api/bookings/{booking['id']}", bearer(booking["trackingToken"]))
        problem(refused, 401, "token-refused")


async def test_a_booking_under_way_is_brought_to_its_end_first(client: Client, service: dict[str, Any]) -> None:
    booking = await book(client, service, at(10), CUSTOMER)
    refused = problem(await erase(client, "cus_1"), 409, "orders-open")
    assert (refused["left"], "bookings" in refused["detail"]) == (1, True)
    await moved(client, booking, "cancelled", reason="Not today")
    assert (await client.post("/api/customers/cus_1/erase", None, ADMIN)).status_code == 200
