"""Notices: when an order or booking was sent to staff screens, painted on one, and opened."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from ordercast.db import Transaction
from ordercast.db import notices as units
from ordercast.db.notices import BookingNotice, OrderNotice

from .booking_views import booking_for
from .context import AnyRequest, Context
from .order_views import document_for
from .responses import REFUSALS, json_response


@get("/api/orders/{order_id:str}/notice", tags=["orders"], responses=REFUSALS)
async def get_order_notice(order_id: FromPath[str], request: AnyRequest, context: Context) -> Response[OrderNotice]:
    """Get an order's notices: when it was committed, sent to a screen, painted, opened; and escalation steps. For
    staff.
    """
    await context.authorize(request, "see who noticed an order")
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> OrderNotice:
        document_for(transaction, order_id, identity)
        return units.order_notice(transaction, order_id)

    return json_response(msgspec.json.encode(await context.store.read(query)))


@get("/api/bookings/{booking_id:str}/notice", tags=["bookings"], responses=REFUSALS)
async def get_booking_notice(
    booking_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[BookingNotice]:
    """Get a booking's notices, as an order's. For staff."""
    await context.authorize(request, "see who noticed a booking")
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> BookingNotice:
        booking_for(transaction, booking_id, identity)
        return units.booking_notice(transaction, booking_id)

    return json_response(msgspec.json.encode(await context.store.read(query)))


ROUTES: Final = [get_order_notice, get_booking_notice]
