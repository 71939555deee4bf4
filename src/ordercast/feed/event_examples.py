"""An example of each event, for the AsyncAPI document, made by the code that makes the events.

A durable event's example is a row of the feed (`ROWS`), from which `audience.route` makes payload and rooms; ephemeral
and socket events are written out (`FLEETING`, `SOCKETS`). A test checks that all are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordercast.commerce.rooms import (
    STORE_OWNERS,
    conversation_room,
    customer_room,
    order_room,
    user_room,
    watch_room,
)
from ordercast.db import Change, ChangeKind

from .audience import route
from .row_events import CHANGED, ENTERED, LEFT

EPOCH: Final = "5d1c0e"
_SEQ: Final = 4711
_ORDER_ID: Final = "ord_01JDN8WPV2M5Q3T7Y9B1C4E6GH"
_CUSTOMER_ID: Final = "cus_01JDN8V7K4X2R6S8U0W3Z5A7CD"
_DRIVER_ID: Final = "drv_01JDN8T3F9H1J5K7M2P4Q6S8VW"
_USER_ID: Final = "usr_01JDN8S6B8D0F2H4J6L8N0P2RT"
_PRODUCT_ID: Final = "prd_01JDN8R1A3C5E7G9I2K4M6O8QS"
_PLACED_AT: Final = "2026-11-24T09:15:00.000Z"
_AT: Final = "2026-11-24T09:15:42.318Z"
_ADDRESS: Final = {"name": "Asha Rahman", "line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"}

ORDER: Final[dict[str, Any]] = {
    "id": _ORDER_ID,
    "number": 1042,
    "status": "pending",
    "paymentStatus": "unpaid",
    "fulfilment": "delivery",
    "version": 1,
    "subtotal": 48000,
    "tax": 7200,
    "shippingFee": 6000,
    "discount": 0,
    "total": 61200,
    "currency": "BDT",
    "amountPaid": 0,
    "amountRefunded": 0,
    "amountRefunding": 0,
    "pricesIncludeTax": False,
    "promoCode": None,
    "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
    "billingInfo": _ADDRESS,
    "shippingInfo": _ADDRESS,
    "cartItems": [
        {
            "productId": _PRODUCT_ID,
            "name": "Jasmine rice, 1 kg",
            "quantity": 2,
            "unitPrice": 24000,
            "lineTotal": 48000,
            "tax": 7200,
            "image": "/images/jasmine-rice.svg",
            "discount": 0,
        }
    ],
    "paymentInfo": {"method": "cash"},
    "customerId": _CUSTOMER_ID,
    "driverId": None,
    "heldFrom": None,
    "createdAt": _PLACED_AT,
    "updatedAt": _PLACED_AT,
    "statusSince": _PLACED_AT,
    "promisedAt": None,
    "requestedTime": None,
}
_PROCESSING: Final = {**ORDER, "status": "processing", "version": 2, "updatedAt": _AT, "statusSince": _AT}
_PRODUCT: Final = {
    "id": _PRODUCT_ID,
    "slug": "jasmine-rice",
    "name": "Jasmine rice, 1 kg",
    "nameBn": "জেসমিন চাল, ১ কেজি",
    "description": "Long grains from the last harvest.",
    "descriptionBn": "শেষ ফসলের লম্বা দানা।",
    "price": 24000,
    "currency": "BDT",
    "stock": 40,
    "taxClass": "standard",
    "image": "/images/jasmine-rice.svg",
    "soldOutUntil": None,
    "active": True,
    "version": 2,
}

_BOOKING_ID: Final = "bkg_01JDN8W1E3G5J7K9M1N3P5R7TV"
BOOKING: Final[dict[str, Any]] = {
    "id": _BOOKING_ID,
    "number": 218,
    "status": "requested",
    "paymentStatus": "unpaid",
    "version": 1,
    "serviceId": "svc_01JDN8P9B1D3F5H7J9L1N3P5RT",
    "serviceName": "Home care",
    "serviceNameBn": "বাড়িতে সেবা",
    "startsAt": "2026-11-26T04:00:00.000Z",
    "endsAt": "2026-11-26T05:00:00.000Z",
    "carerId": "car_01JDN8N8A0C2E4G6I8K0M2O4QS",
    "carerName": "Nadia",
    "total": 50000,
    "currency": "BDT",
    "amountPaid": 0,
    "amountRefunded": 0,
    "amountRefunding": 0,
    "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
    "paymentInfo": {"method": "cash"},
    "note": None,
    "customerId": _CUSTOMER_ID,
    "createdAt": _PLACED_AT,
    "updatedAt": _PLACED_AT,
}

_CONVERSATION_ID: Final = "cnv_01JDN8WZ5A7C9E2G4J6L8N0Q2S"
_MESSAGE: Final[dict[str, Any]] = {
    "id": "msg_01JDN8X0B2D4F6H8K1M3P5R7TV",
    "conversationId": _CONVERSATION_ID,
    "position": 3,
    "participant": "customer",
    "sender": f"customer:{_CUSTOMER_ID}",
    "clientId": "7f3b",
    "text": "Is it on its way?",
    "attachments": [],
    "version": 1,
    "createdAt": _AT,
    "editedAt": None,
    "deletedAt": None,
    "about": "order",
    "subjectId": _ORDER_ID,
    "customerId": _CUSTOMER_ID,
    "assigneeRole": "driver",
    "assigneeId": _DRIVER_ID,
}

_ABOUT_BOOKING: Final = {
    "about": "booking",
    "subjectId": _BOOKING_ID,
    "assigneeRole": "carer",
    "assigneeId": "car_01JDN8N8A0C2E4G6I8K0M2O4QS",
}

Row = tuple[ChangeKind, str, dict[str, Any] | None, dict[str, Any]]
"""A kind of change, the entity's id, and its documents before and after."""

ROWS: Final[list[Row]] = [
    (ChangeKind.ORDER_PLACED, _ORDER_ID, None, ORDER),
    (ChangeKind.ORDER_STATUS_CHANGED, _ORDER_ID, ORDER, _PROCESSING),
    (ChangeKind.ORDER_PAYMENT_CHANGED, _ORDER_ID, ORDER, {**ORDER, "paymentStatus": "paid", "amountPaid": 61200}),
    (ChangeKind.ORDER_CHANGED, _ORDER_ID, _PROCESSING, {**_PROCESSING, "version": 3}),
    (
        ChangeKind.DELIVERY_MOVED,
        _ORDER_ID,
        None,
        {
            "orderId": _ORDER_ID,
            "number": 1042,
            "stage": "in_transit",
            "driver": {"id": _DRIVER_ID, "name": "Rafiq"},
            "attempts": 0,
            "position": {"lat": 23.7461, "lng": 90.3742, "at": _AT},
            "eta": "2026-11-24T09:40:00.000Z",
            "customerId": _CUSTOMER_ID,
            "formerDriverId": None,
        },
    ),
    (ChangeKind.PRODUCT_CHANGED, _PRODUCT_ID, {**_PRODUCT, "stock": 0, "version": 1}, _PRODUCT),
    (
        ChangeKind.SHOP_OPENING_CHANGED,
        "shop",
        None,
        {"hours": None, "paused": True, "pausedUntil": "2026-11-24T09:45:00.000Z", "pauseReason": "Too many orders"},
    ),
    (
        ChangeKind.NOTIFICATION_MADE,
        "ntf_01JDN8X2C4E6G8I0K2M4O6Q8SU",
        None,
        {
            "recipient": "store",
            "kind": "new_orders",
            "data": {"count": 2, "first": 1041, "last": 1042},
            "orderId": None,
            "severity": "info",
        },
    ),
    (
        ChangeKind.NOTIFICATION_MADE,
        "ntf_01JDN8X9D1F3H5J7L9N1P3R5TV",
        None,
        {
            "recipient": _CUSTOMER_ID,
            "kind": "order_status",
            "data": {"status": "processing", "fulfilment": "delivery", "number": 1042},
            "orderId": _ORDER_ID,
            "severity": "info",
        },
    ),
    (
        ChangeKind.PAYMENT_MISMATCH,
        "mis_01JDN8Y3E5G7I9K1M3O5Q7S9UW",
        None,
        {
            "id": "mis_01JDN8Y3E5G7I9K1M3O5Q7S9UW",
            "orderId": _ORDER_ID,
            "bookingId": None,
            "provider": "stripe",
            "reference": "pi_3QNd8Y",
            "kind": "captured",
            "ours": 61200,
            "theirs": 60200,
            "text": "The provider has captured another sum than the order's.",
            "createdAt": _AT,
            "resolvedAt": None,
            "resolvedBy": None,
            "note": None,
        },
    ),
    *(
        (
            kind,
            id_,
            None,
            {
                name: id_,
                "number": 1042,
                "step": "board",
                "committedAt": _PLACED_AT,
                "sentAt": "2026-11-24T09:15:00.004Z",
                "receivedAt": None,
            },
        )
        for kind, name, id_ in (
            (ChangeKind.ORDER_UNSEEN, "orderId", _ORDER_ID),
            (ChangeKind.BOOKING_UNSEEN, "bookingId", _BOOKING_ID),
        )
    ),
    *(
        (
            ChangeKind.EVENT_PUBLISHED,
            "evt_01JDN8Z4F6H8J0L2N4P6R8T0VX",
            None,
            {"event": event, "rooms": [STORE_OWNERS, user_room(_CUSTOMER_ID)], "args": [{"bookingId": "b_7", **more}]},
        )
        for event, more in (("new_booking", {"status": "paid"}), ("booking_update", {"status": "confirmed"}))
    ),
    (ChangeKind.BOOKING_PLACED, _BOOKING_ID, None, BOOKING),
    (ChangeKind.BOOKING_STATUS_CHANGED, _BOOKING_ID, BOOKING, {**BOOKING, "status": "confirmed", "version": 2}),
    (
        ChangeKind.BOOKING_PAYMENT_CHANGED,
        _BOOKING_ID,
        BOOKING,
        {**BOOKING, "version": 2, "paymentStatus": "paid", "amountPaid": 50000},
    ),
    (
        ChangeKind.BOOKING_RESCHEDULED,
        _BOOKING_ID,
        BOOKING,
        {**BOOKING, "version": 2, "carerId": "car_01JDN8Q2C4E6G8I0K2M4O6Q8SU", "carerName": "Rina"},
    ),
    (ChangeKind.MESSAGE_SENT, _CONVERSATION_ID, None, _MESSAGE),
    *(
        (kind, _CONVERSATION_ID, None, {**_MESSAGE, **_ABOUT_BOOKING, "delivered": 3, "seen": 3, "unread": 0})
        for kind in (ChangeKind.MESSAGE_SENT, ChangeKind.MESSAGE_CHANGED, ChangeKind.CONVERSATION_SEEN)
    ),
    (
        ChangeKind.MESSAGE_CHANGED,
        _CONVERSATION_ID,
        None,
        {**_MESSAGE, "version": 2, "text": "Is it on its way here?", "editedAt": _AT},
    ),
    (
        ChangeKind.CONVERSATION_SEEN,
        _CONVERSATION_ID,
        None,
        {**_MESSAGE, "participant": "store", "delivered": 3, "seen": 3, "unread": 0},
    ),
    (ChangeKind.FEED_RESYNC, "mongodb", None, {"reason": "source_history_lost"}),
]


@dataclass(frozen=True, slots=True)
class Example:
    """An event on the wire. `offset` is None if it has none."""

    event: str
    rooms: tuple[str, ...]
    """Empty for an event of one socket."""
    payload: Any
    offset: str | None = None


_FIGURES: Final = {"count": 12, "median": 421.0, "p90": 840.0, "p95": 990.0, "p99": 1260.0}

FLEETING: Final = (
    Example(
        "stats",
        (STORE_OWNERS,),
        {
            "date": "2026-11-24",
            "tz": "Asia/Dhaka",
            "currency": "BDT",
            "orders": 42,
            "ordered": 2570400,
            "revenue": 1836000,
            "byStatus": {"pending": 3, "processing": 5, "delivered": 34},
            "byHour": [{"orders": 42, "ordered": 2570400}],
            "preparation": _FIGURES,
            "delivery": _FIGURES,
            "open": {"count": 8, "oldestSeconds": 1312.5, "ages": {"under5": 3, "under15": 4, "under30": 1}},
            "bookings": {"count": 6, "byStatus": {"confirmed": 4, "completed": 2}, "revenue": 540000},
            "notice": {"count": 40, "median": 1.2, "p90": 2.8, "p95": 4.1, "p99": 9.6},
            "latency": {"count": 512, "median": 3.1, "p90": 5.2, "p95": 7.0, "p99": 11.8},
            "at": _AT,
        },
    ),
    Example(
        "delivery_update",
        (STORE_OWNERS, watch_room(_ORDER_ID), order_room(_ORDER_ID), customer_room(_CUSTOMER_ID)),
        {
            "orderId": _ORDER_ID,
            "number": 1042,
            "stage": "in_transit",
            "driver": {"id": _DRIVER_ID},
            "position": {"lat": 23.7468, "lng": 90.3751, "accuracy": 8.0, "at": _AT},
            "eta": "2026-11-24T09:39:00.000Z",
        },
    ),
    Example(
        "participants",
        (conversation_room(_CONVERSATION_ID),),
        {
            "conversationId": _CONVERSATION_ID,
            "participants": [
                {"participant": "store", "role": "store", "people": 2},
                {"participant": "customer", "role": "customer", "people": 1},
            ],
            "count": 2,
            "joined": ["customer"],
            "left": [],
        },
    ),
    Example(
        "typing",
        (conversation_room(_CONVERSATION_ID), customer_room(_CUSTOMER_ID), order_room(_ORDER_ID), STORE_OWNERS),
        {
            "conversationId": _CONVERSATION_ID,
            "participant": "customer",
            "role": "customer",
            "typing": True,
            "expiresInSeconds": 8.0,
        },
    ),
)
"""Ephemeral events; see `ephemeral`."""

_POSITION: Final = f"{EPOCH}:{_SEQ}"
_WATCH: Final = "1f0c7b2d9e4a5630ab"
_ROW: Final = {
    "id": f"{_POSITION}.{_WATCH}",
    "seq": _SEQ,
    "at": _AT,
    "watch": _WATCH,
    "table": "Order",
    "rowId": "17",
    "key": {"id": 17},
}
_TOLD: Final = {"row": {"id": 17, "status": "new", "total": 2400}}
SOCKETS: Final = (
    Example("ready", (), {"position": _POSITION, "identity": f"store:{_USER_ID}"}, _POSITION),
    Example("watching", (), {"orderId": _ORDER_ID, "position": _POSITION}, _POSITION),
    Example("watching", (), {"conversationId": _CONVERSATION_ID, "position": _POSITION}, _POSITION),
    Example("watching", (), {"watch": _WATCH, "table": "Order", "position": _POSITION}, _POSITION),
    *(
        Example(event, (), {**_ROW, **({} if event == LEFT else _TOLD)}, _POSITION)
        for event in (ENTERED, CHANGED, LEFT)
    ),
    Example("resync", (), {"reason": "too_far_behind"}),
    Example("watching", (), {"room": "order_4711", "position": _POSITION}, _POSITION),
    Example(
        "room_left",
        (),
        {"room": "order_4711", "reason": "not_allowed", "message": "You may not be in this room any more."},
    ),
    Example("auth_expiring", (), {"expiresAt": 1795512000, "expiresInSeconds": 60}),
    Example(
        "auth_ignored",
        (),
        {
            "code": "token_not_read",
            "place": "the query's token",
            "message": "A token is read from auth.token, or from the header Authorization: Bearer.",
        },
    ),
    Example("auth_expired", (), {"code": "token_expired", "message": "The token has expired; log in again."}),
    Example("auth_revoked", (), {"code": "token_revoked", "message": "This token has been revoked."}),
)
"""Events of one socket's own connection."""


def durable() -> Iterator[Example]:
    """The events of the example rows, with their rooms."""
    for kind, entity_id, before, after in ROWS:
        change = Change(_SEQ, kind, entity_id, 2, f"store:{_USER_ID}", None, _AT, _raw(before), _raw(after))
        events = list(route(change, lambda index: f"{EPOCH}:{_SEQ}.{index}"))
        for index, event in enumerate(events):
            offset = _POSITION if index == len(events) - 1 else f"{_POSITION}.{index}"
            # As JSON, as on the wire.
            payload = msgspec.json.decode(msgspec.json.encode(event.args[0]))
            yield Example(event.name, event.rooms, payload, offset)


def _raw(document: dict[str, Any] | None) -> msgspec.Raw | None:
    return None if document is None else msgspec.Raw(msgspec.json.encode(document))
