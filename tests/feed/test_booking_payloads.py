"""Who hears of a booking, and what: the shop all of it, its customer, its carer, and who holds its tracking link."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.commerce.bookings import BOOKING

from ordercast.db import Change
from ordercast.feed.audience import RoutedEvent, route
from ordercast.feed.encoding import encode_events
from ordercast.feed.gaps import affected_rooms


def row(kind: str, before: dict[str, Any] | None, after: Any, actor: str = "store:usr_1") -> Change:
    raw = None if before is None else msgspec.Raw(msgspec.json.encode(before))
    at = "2026-01-01T00:01:00.000Z"
    return Change(9, kind, "bkg_1", 2, actor, "why", at, raw, msgspec.Raw(msgspec.json.encode(after)))


def told(
    kind: str, before: dict[str, Any] | None, after: dict[str, Any], actor: str = "store:usr_1"
) -> dict[str, RoutedEvent]:
    """The events, by the room that each is for."""
    events = route(row(kind, before, after, actor), lambda index: f"e:9.{index}")
    return {room: event for event in events for room in event.rooms}


def test_a_new_booking_is_told_to_the_shop_its_customer_its_carer_and_its_tracking_link() -> None:
    events = told("booking.placed", None, BOOKING)
    assert list(events) == ["store-owners", "customer_cus_1", "booking_bkg_1", "carer_car_1"]
    assert {event.name for event in events.values()} == {"new_booking"}
    payload = events["store-owners"].args[0]
    assert payload == {
        "id": "e:9.0", "seq": 9, "version": 2, "at": "2026-01-01T00:01:00.000Z", "bookingId": "bkg_1", "number": 7,
        "userId": "cus_1", "status": "requested", "paymentStatus": "unpaid", "serviceId": "svc_1",
        "serviceName": "Home care", "startsAt": BOOKING["startsAt"], "endsAt": BOOKING["endsAt"], "carerId": "car_1",
        "carerName": "Nadia", "customerName": "Asha Rahman", "total": 50_000, "currency": "BDT", "booking": BOOKING,
    }  # fmt: skip
    assert len({event.args[0]["id"] for event in events.values()}) == 4


def test_a_tracking_link_hints_at_the_customer_and_tells_no_note() -> None:
    payload = told("booking.placed", None, BOOKING)["booking_bkg_1"].args[0]
    assert (payload["userId"], payload["customerName"], payload["booking"]["note"]) == (None, "A••• R•••", None)
    assert "asha@example.com" not in str(payload)


def test_a_carer_is_told_whom_they_visit_and_not_their_mail() -> None:
    booking = told("booking.placed", None, BOOKING)["carer_car_1"].args[0]["booking"]
    assert booking["customerInfo"] == {"name": "Asha Rahman", "email": None, "mobile": "+8801700000000"}
    assert (booking["customerId"], booking["note"]) == (None, "The bell is broken")


@pytest.mark.parametrize("status", ["cancelled", "completed", "no_show"])
def test_a_carer_is_not_told_again_whose_a_booking_was_that_is_over(status: str) -> None:
    payload = told("booking.status_changed", BOOKING, {**BOOKING, "status": status})["carer_car_1"].args[0]
    assert (payload["customerName"], payload["booking"]["note"]) == ("A••• R•••", None)
    assert "+8801700000000" not in str(payload)


def test_a_move_is_told_with_what_it_was_before() -> None:
    events = told("booking.status_changed", BOOKING, {**BOOKING, "status": "confirmed"})
    assert {event.name for event in events.values()} == {"booking_update"}
    payload = events["store-owners"].args[0]
    assert (payload["kind"], payload["oldStatus"], payload["status"]) == ("status_changed", "requested", "confirmed")
    assert (payload["actor"], payload["reason"]) == ("store:usr_1", "why")


@pytest.mark.parametrize("room", ["customer_cus_1", "booking_bkg_1", "carer_car_1"])
def test_only_the_shop_is_told_who_of_it_acted_and_why(room: str) -> None:
    payload = told("booking.status_changed", BOOKING, {**BOOKING, "status": "cancelled"})[room].args[0]
    assert (payload["actor"], payload["reason"]) == ("store", None)


def test_a_carer_who_had_the_booking_hears_that_it_went_and_no_more_whose_it_is() -> None:
    events = told("booking.rescheduled", {**BOOKING, "carerId": "car_0"}, BOOKING)
    payload = events["carer_car_0"].args[0]
    assert (payload["oldCarerId"], payload["carerId"]) == ("car_0", "car_1")
    assert "+8801700000000" not in str(payload)


def test_a_booking_of_nobody_known_is_told_to_the_others() -> None:
    rooms = list(told("booking.placed", None, {**BOOKING, "customerId": None}))
    assert rooms == ["store-owners", "booking_bkg_1", "carer_car_1"]


@pytest.mark.parametrize(
    "after", [None, [], {}, {**BOOKING, "carerId": None}, {**BOOKING, "startsAt": 5}, {**BOOKING, "customerInfo": 5}]
)
def test_a_row_that_is_no_booking_becomes_a_gap_for_whom_it_was(after: Any) -> None:
    (event,) = encode_events(row("booking.changed", None, after), "e", "/")
    assert b'"resync"' in event.message.text


def test_a_damaged_row_concerns_all_whom_it_names() -> None:
    rooms = affected_rooms(row("booking.rescheduled", {**BOOKING, "carerId": "car_0"}, BOOKING))
    assert rooms == ("store-owners", "booking_bkg_1", "customer_cus_1", "carer_car_1", "carer_car_0")
