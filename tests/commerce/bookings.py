"""Bookings for tests: one as its document has it, and states of any shape."""

from __future__ import annotations

from typing import Any

from ordercast.commerce.booking_states import BookingState, BookingStatus
from ordercast.commerce.ids import BookingId
from ordercast.commerce.states import PaymentMethod, PaymentStatus

BOOKING: dict[str, Any] = {
    "id": "bkg_1",
    "number": 7,
    "status": "requested",
    "paymentStatus": "unpaid",
    "version": 1,
    "serviceId": "svc_1",
    "serviceName": "Home care",
    "serviceNameBn": "",
    "startsAt": "2026-01-05T10:00:00.000Z",
    "endsAt": "2026-01-05T11:00:00.000Z",
    "carerId": "car_1",
    "carerName": "Nadia",
    "total": 50_000,
    "currency": "BDT",
    "amountPaid": 0,
    "amountRefunded": 0,
    "amountRefunding": 0,
    "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
    "paymentInfo": {"method": "cash"},
    "note": "The bell is broken",
    "customerId": "cus_1",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
}


def booking_state(status: BookingStatus = BookingStatus.REQUESTED, **changes: Any) -> BookingState:
    values: dict[str, Any] = {
        "payment_status": PaymentStatus.UNPAID,
        "payment_method": PaymentMethod.CASH,
        "version": 1,
        "service_id": "svc_1",
        "carer_id": "car_1",
        "starts_at": "2026-01-05T10:00:00.000Z",
        "ends_at": "2026-01-05T11:00:00.000Z",
        "customer_id": "cus_1",
        "total": 50_000,
        "currency": "BDT",
    }
    return BookingState(BookingId("bkg_1"), status, **{**values, **changes})
