from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as some

from ordercast.commerce.orders import Order
from ordercast.contrib.mongodb.mapping import is_order, map_order
from ordercast.contrib.mongodb.values import from_extended_json, minor, moment_of, name_of, text, to_extended_json

NOW = "2026-11-28T12:00:00.000Z"
ID = ObjectId("65f0000000000000000000aa")


def mapped(former: dict[str, Any] | None = None, currency: str = "BDT", **document: Any) -> dict[str, Any]:
    return map_order({"_id": ID, **document}, number=7, currency=currency, now=NOW, former=former).order


def test_an_order_of_a_mongoose_shop_becomes_one_of_ours() -> None:
    order = mapped(
        orderNumber="1042",
        status="out_for_delivery",
        paymentStatus="paid",
        items=[{"productId": ObjectId("65f0000000000000000000bb"), "name": "Rice", "price": 60.5, "quantity": 2}],
        totalAmount=Decimal128("131.00"),
        deliveryFee=10,
        customer={"name": "Asha Rahman", "email": "asha@example.com", "phone": "+8801700000000"},
        customerId=ObjectId("65f000000000000000000001"),
        driverId="drv-7",
        deliveryAddress={"street": "12 Lake Road", "city": "Dhaka", "postalCode": "1207"},
        paymentMethod="cod",
        createdAt=datetime(2026, 11, 1, 8, 30, tzinfo=UTC),
        updatedAt=datetime(2026, 11, 2, tzinfo=UTC),
    )
    assert order == {
        "id": "65f0000000000000000000aa",
        "number": 1042,
        "status": "in_transit",
        "paymentStatus": "paid",
        "fulfilment": "delivery",
        "subtotal": 0,
        "tax": 0,
        "shippingFee": 1000,
        "discount": 0,
        "total": 13100,
        "currency": "BDT",
        "amountPaid": 13100,
        "amountRefunded": 0,
        "amountRefunding": 0,
        "promoCode": None,
        "pricesIncludeTax": False,
        "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
        "billingInfo": None,
        "shippingInfo": {
            "name": "Asha Rahman", "line1": "12 Lake Road", "city": "Dhaka", "country": "", "postcode": "1207",
        },
        "cartItems": [
            {
                "productId": "65f0000000000000000000bb", "name": "Rice", "quantity": 2, "unitPrice": 6050,
                "lineTotal": 12100, "tax": 0, "image": "", "discount": 0,
            },
        ],
        "paymentInfo": {"method": "cash"},
        "customerId": "65f000000000000000000001",
        "driverId": "drv-7",
        "heldFrom": None,
        "createdAt": "2026-11-01T08:30:00.000Z",
        "updatedAt": "2026-11-02T00:00:00.000Z",
        "statusSince": "2026-11-02T00:00:00.000Z",
        "promisedAt": None,
        "requestedTime": None,
    }  # fmt: skip


def test_it_has_the_members_that_our_own_orders_have() -> None:
    # What a driver is to collect is worked out for the driver alone.
    assert {*mapped(status="new"), "version", "amountToCollect"} == {*Order.__struct_encode_fields__}


@pytest.mark.parametrize(
    ("document", "status", "payment"),
    [
        ({"status": "new"}, "pending", "unpaid"),
        ({"status": "accepted"}, "processing", "unpaid"),
        ({"status": "packing", "paymentStatus": "pending"}, "processing", "unpaid"),
        ({"status": "ready"}, "ready_for_delivery", "unpaid"),
        ({"status": "ready", "deliveryType": "pickup"}, "ready_for_pickup", "unpaid"),
        ({"status": "Out for delivery"}, "in_transit", "unpaid"),
        ({"orderStatus": "completed", "isPaid": True}, "delivered", "paid"),
        ({"status": "canceled"}, "cancelled", "unpaid"),
        ({"status": "paid"}, "processing", "paid"),
        ({"status": "whatever"}, "processing", "unpaid"),
        ({"total": 5}, "processing", "unpaid"),
        ({"status": "new", "payment": {"status": "succeeded"}}, "pending", "paid"),
        ({"status": "new", "paymentStatus": "odd"}, "pending", "authorized"),
    ],
)
def test_former_names_are_understood_and_unknown_ones_leave_things_as_they_were(
    document: dict[str, Any], status: str, payment: str
) -> None:
    order = mapped({"status": "processing", "paymentStatus": "authorized"}, **document)
    assert (order["status"], order["paymentStatus"]) == (status, payment)


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [
        (19.99, "BDT", 1999),
        (0.1 + 0.2, "BDT", 30),
        (Decimal128("0.125"), "BDT", 12),
        (Decimal128("0.135"), "BDT", 14),
        (Int64(7), "JPY", 7),
        ("12.5", "KWD", 12500),
        (-1, "BDT", None),
        (math.nan, "BDT", None),
        (math.inf, "BDT", None),
        (Decimal128("NaN"), "BDT", None),
        (Decimal128("9E+6000"), "BDT", None),
        (Decimal128("1E-6000"), "BDT", 0),
        (True, "BDT", None),
        ("a lot", "BDT", None),
        ({"amount": 3}, "BDT", None),
    ],
)
def test_amounts_are_read_exactly_or_not_at_all(value: Any, currency: str, amount: int | None) -> None:
    assert minor(value, currency) == amount
    order = map_order({"_id": ID, "total": value}, number=1, currency=currency, now=NOW)
    assert order.order["total"] == amount
    assert order.unread == ([] if amount is not None else ["total"])


def test_ids_of_every_kind_are_named_as_people_name_them() -> None:
    key = uuid.UUID(int=5)
    assert name_of(ID) == "65f0000000000000000000aa"
    assert name_of(Binary.from_uuid(key)) == str(key)
    assert name_of(Int64(12)) == "12"
    assert name_of("ord-7") == "ord-7"
    assert name_of({"_id": ID, "name": "Asha"}) == str(ID)
    assert [name_of(odd) for odd in (True, 1.5, None, "", "two words", "x" * 500, b"bytes", {"a": 1})] == [None] * 8


def test_dates_are_moments_and_those_of_no_age_are_none() -> None:
    assert moment_of("2026-11-01T08:30:00+06:00") == "2026-11-01T02:30:00.000Z"
    assert moment_of(datetime(2026, 1, 2, 3, 4, 5, 678_900)) == "2026-01-02T03:04:05.679Z"  # noqa: DTZ001
    assert [moment_of(odd) for odd in (DatetimeMS(2**60), "yesterday", 5, None, datetime(1, 1, 1))] == [None] * 5  # noqa: DTZ001


def test_texts_have_no_nul_and_an_end() -> None:
    assert text(" a\0b ") == "ab"
    assert text("x" * 1000) == "x" * 500
    assert [text(odd) for odd in (None, "", True, 1.5, b"x", {"a": 1})] == [None] * 6


def test_a_document_that_speaks_of_no_order_is_none() -> None:
    assert is_order({"_id": 1, "status": "new"})
    assert not is_order({"_id": 1, "seq": 4})
    assert not is_order({"_id": {"a": 1}, "status": "new"})


_bson = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**63), 2**63 - 1)
    | some.floats()
    | some.text(max_size=8)
    | some.binary(max_size=8)
    | some.builds(ObjectId)
    | some.datetimes().map(lambda time: time.replace(tzinfo=UTC))
    | some.builds(DatetimeMS, some.integers(-(2**62), 2**62))
    | some.sampled_from([Decimal128("1.5"), Decimal128("NaN"), Decimal128("1E6000"), Int64(3)]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = [
    "status", "paymentStatus", "items", "total", "tax", "customer", "customerId", "driverId", "deliveryAddress",
    "createdAt", "updatedAt", "number", "currency", "payment", "paymentMethod", "amountPaid", "deliveryType",
]  # fmt: skip


@given(some.dictionaries(some.sampled_from(_FIELDS), _bson))
def test_whatever_a_document_holds_it_is_told_as_json(document: dict[str, Any]) -> None:
    order = map_order({"_id": ID, **document}, number=7, currency="BDT", now=NOW).order
    json.dumps(order, allow_nan=False).encode()


@given(_bson)
def test_a_value_survives_extended_json(value: Any) -> None:
    again = from_extended_json(to_extended_json(value))
    assert to_extended_json(again) == to_extended_json(value)
