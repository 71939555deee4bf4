"""The booking as one JSON document, made by the database, as ``orders.document``."""

from __future__ import annotations

from typing import Final

_PLAIN: Final = {
    "id": "id",
    "number": "number",
    "status": "status",
    "paymentStatus": "payment_status",
    "version": "version",
    "serviceId": "service_id",
    "serviceName": "service_name",
    "serviceNameBn": "service_name_bn",
    "startsAt": "starts_at",
    "endsAt": "ends_at",
    "carerId": "carer_id",
    "carerName": "carer_name",
    "total": "total",
    "currency": "currency",
    "amountPaid": "captured",
    "amountRefunded": "refunded",
    "amountRefunding": "refunding",
}
_CUSTOMER: Final = {"name": "customer_name", "email": "customer_email", "mobile": "customer_mobile"}
_TAIL: Final = {
    "note": "note",
    "customerId": "customer_id",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}

# Columns whose change is published; version, actor, reason and updated_at only describe it.
PUBLISHED_COLUMNS: Final = (
    *(column for column in _PLAIN.values() if column != "version"),
    *_CUSTOMER.values(),
    "payment_info",
    *(column for column in _TAIL.values() if column != "updated_at"),
)


def booking_document(row: str) -> str:
    """SQL for the document of `row`: ``NEW``, ``OLD`` or a table's name."""
    pairs = [f"'{key}', {row}.{column}" for key, column in _PLAIN.items()]
    customer = ", ".join(f"'{key}', {row}.{column}" for key, column in _CUSTOMER.items())
    pairs.append(f"'customerInfo', @json_object({customer})")
    pairs.append(f"'paymentInfo', @json_of({row}.payment_info)")
    pairs += [f"'{key}', {row}.{column}" for key, column in _TAIL.items()]
    return f"@json_text(@json_object({', '.join(pairs)}))"
