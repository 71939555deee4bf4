"""Calendar files (iCalendar, RFC 5545) of bookings."""

from __future__ import annotations

import re
from typing import Final

from .booking_states import BookingStatus
from .bookings import Booking
from .letters import Language

_STATUS: Final = {BookingStatus.REQUESTED: "TENTATIVE", BookingStatus.CANCELLED: "CANCELLED"}
_ESCAPED: Final = re.compile(r"[\\;,]")
# RFC 5545 section 3.1: "Lines of text SHOULD NOT be longer than 75 octets, excluding the line break."
_LINE_OCTETS: Final = 75


def calendar_file(booking: Booking, language: Language) -> bytes:
    """The booking as a calendar with one event. A later version replaces the former: same UID, higher SEQUENCE."""
    is_bengali = language is Language.BENGALI and booking.service_name_bn
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Ordercast//Bookings//EN",
        "BEGIN:VEVENT",
        f"UID:{_text(booking.id)}@ordercast",
        f"SEQUENCE:{booking.version}",
        f"DTSTAMP:{_moment(booking.updated_at)}",
        f"DTSTART:{_moment(booking.starts_at)}",
        f"DTEND:{_moment(booking.ends_at)}",
        f"SUMMARY:{_text(booking.service_name_bn if is_bengali else booking.service_name)}",
        *([] if booking.carer_name is None else [f"DESCRIPTION:{_text(booking.carer_name)}"]),
        f"STATUS:{_STATUS.get(booking.status, 'CONFIRMED')}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) + b"\r\n" for line in lines)


def _moment(at: str) -> str:
    """Of `2026-12-01T09:00:00.000Z`, `20261201T090000Z`."""
    return f"{at[:19].replace('-', '').replace(':', '')}Z"


def _text(value: str) -> str:
    """Section 3.3.11: escaped; every line break is written `\\n`."""
    return "\\n".join(_ESCAPED.sub(r"\\\g<0>", value).splitlines())


def _folded(line: str) -> bytes:
    """Section 3.1: continued behind a line break and a blank, never within a character."""
    parts, size = [""], 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _LINE_OCTETS:
            parts.append(" ")
            size = 1
        parts[-1] += character
        size += octets
    return "\r\n".join(parts).encode()
