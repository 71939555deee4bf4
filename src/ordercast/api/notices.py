"""Proof of notice: when an order or a booking was sent to the shop's screens, painted on one, opened by a person."""

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
    """How the shop noticed an order: when it was committed, sent to a screen, painted on one, opened by a person; and
    what was done while nobody had. For the shop.
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
    """How the shop noticed a booking, as it is told of an order. For the shop."""
    await context.authorize(request, "see who noticed a booking")
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> BookingNotice:
        booking_for(transaction, booking_id, identity)
        return units.booking_notice(transaction, booking_id)

    return json_response(msgspec.json.encode(await context.store.read(query)))


ROUTES: Final = [get_order_notice, get_booking_notice]
