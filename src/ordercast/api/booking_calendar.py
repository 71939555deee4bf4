"""``GET /api/bookings/{id}/calendar``: a booking as a calendar file."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from ordercast.commerce.bookings import Booking
from ordercast.commerce.calendar_file import calendar_file

from .booking_views import booking_for
from .context import AnyRequest, Context
from .mailing import language_of
from .responses import REFUSALS

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"


@get("/api/bookings/{booking_id:str}/calendar", tags=["bookings"], media_type="text/calendar", responses=REFUSALS)
async def get_booking_calendar(booking_id: FromPath[str], request: AnyRequest, context: Context) -> Response[bytes]:
    """Get a booking as a calendar file (RFC 5545), for those who may see it; for a guest by its tracking token."""
    identity = await context.require_identity(request)
    document = await context.store.read(lambda transaction: booking_for(transaction, booking_id, identity))
    booking = msgspec.json.decode(document, type=Booking)
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Disposition": f"attachment; filename=booking-{booking.number}.ics",
        "Cache-Control": "no-store",
    }
    return Response(calendar_file(booking, language_of(request, context.language)), headers=headers)


ROUTES: Final = [get_booking_calendar]
