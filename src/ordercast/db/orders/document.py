"""The order as one JSON document, made by the database.

One expression serves the feed's triggers and the API's queries, so they cannot differ; each dialect has its own.
Secrets (hash of the tracking token, payment token) are not in it.
"""

from __future__ import annotations

from typing import Final

_PLAIN: Final = {
    "id": "id",
    "number": "number",
    "status": "status",
    "paymentStatus": "payment_status",
    "fulfilment": "fulfilment",
    "version": "version",
    "subtotal": "subtotal",
    "tax": "tax",
    "shippingFee": "shipping_fee",
    "discount": "discount",
    "total": "total",
    "currency": "currency",
    "amountPaid": "captured",
    "amountRefunded": "refunded",
    "amountRefunding": "refunding",
    "promoCode": "promo_code",
}
_JSON: Final = {
    "billingInfo": "billing_info",
    "shippingInfo": "shipping_info",
    "cartItems": "cart_items",
    "paymentInfo": "payment_info",
}
_TAIL: Final = {
    "customerId": "customer_id",
    "driverId": "driver_id",
    "heldFrom": "held_from",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "promisedAt": "promised_at",
    "requestedTime": "requested_time",
}
_FLAGS: Final = {"pricesIncludeTax": "prices_include_tax"}
_CUSTOMER: Final = {"name": "customer_name", "email": "customer_email", "mobile": "customer_mobile"}

# Columns whose change is published; version, actor, reason and times only describe it.
PUBLISHED_COLUMNS: Final = (
    *(column for column in _PLAIN.values() if column != "version"),
    *_FLAGS.values(),
    *_CUSTOMER.values(),
    *_JSON.values(),
    *(column for column in _TAIL.values() if column != "updated_at"),
)


def order_document(row: str) -> str:
    """SQL for the document of `row`: ``NEW``, ``OLD`` or a table's name."""
    pairs = [f"'{key}', {row}.{column}" for key, column in _PLAIN.items()]
    pairs += [f"'{key}', @json_truth({row}.{column})" for key, column in _FLAGS.items()]
    customer = ", ".join(f"'{key}', {row}.{column}" for key, column in _CUSTOMER.items())
    pairs.append(f"'customerInfo', @json_object({customer})")
    pairs += [f"'{key}', @json_of({row}.{column})" for key, column in _JSON.items()]
    pairs += [f"'{key}', {row}.{column}" for key, column in _TAIL.items()]
    pairs.append(f"'statusSince', coalesce({row}.status_since, {row}.created_at)")
    return f"@json_text(@json_object({', '.join(pairs)}))"
