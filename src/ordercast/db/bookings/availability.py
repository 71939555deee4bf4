"""Reads carers' diaries, and computes free times from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any, Final

import msgspec

from ordercast.commerce.services import Carer, Service
from ordercast.commerce.slots import (
    DAY_MINUTES,
    NEAREST_DAYS,
    NEAREST_MAX,
    Diary,
    FreeTime,
    Span,
    WantedTime,
    around,
    free_times,
    minute_of,
    moment_of,
    nearest,
)
from ordercast.db import carers, services
from ordercast.db.lenient_json import is_moment
from ordercast.db.transaction import Transaction

from . import statements

TABLE: Final = "bookings"
# How busy somebody is about a time, by which they are chosen: the half day on either side of it.
_ABOUT: Final = DAY_MINUTES // 2


def busy_span(start: int, duration: int) -> Span:
    """The part of a diary that shows how busy somebody is about a time."""
    return Span(start - _ABOUT, start + duration + _ABOUT)


def diaries(
    transaction: Transaction, found: Iterable[Carer], within: Span, *, besides: str | None = None
) -> list[Diary]:
    """The diaries of the active carers for a span, without the booking `besides`, which is being moved."""
    active = [carer for carer in found if carer.active]
    booked = _booked(transaction, [carer.id for carer in active], within, besides)
    return [Diary(each.id, each.hours, frozenset(each.days_off), booked[each.id]) for each in active]


def _booked(transaction: Transaction, carer_ids: list[str], within: Span, besides: str | None) -> dict[str, list[Span]]:
    begin, end = moment_of(within.begin)[:16], moment_of(within.end)[:16]
    ids = msgspec.json.encode(carer_ids).decode()
    rows = transaction.all(statements.TAKEN_WITHIN, carer_ids=ids, begin=begin, end=end)
    for carer_id in carer_ids:
        rows += transaction.all(statements.TAKEN_BEFORE, carer_id=carer_id, begin=begin)
    booked: dict[str, list[Span]] = {carer_id: [] for carer_id in carer_ids}
    for carer_id, booking_id, span in transaction.readable(rows, _taken_of, TABLE):
        if booking_id != besides and span.end > within.begin:
            booked[carer_id].append(span)
    return {carer_id: sorted(spans) for carer_id, spans in booked.items()}


def _taken_of(row: tuple[Any, ...]) -> tuple[str, str, Span]:
    carer_id, booking_id, starts_at, ends_at = row
    if not (is_moment(starts_at) and is_moment(ends_at)):
        raise ValueError("a booking has its time")
    return carer_id, booking_id, Span(minute_of(starts_at), minute_of(ends_at))


def free(
    transaction: Transaction,
    service: Service,
    within: Span,
    zone: tzinfo,
    *,
    of: str | None = None,
    most: int | None = None,
) -> list[FreeTime]:
    """The free times of the service in the span; with `of`, of that carer only. `most` as in ``free_times``."""
    wanted = [carer_id for carer_id in service.carer_ids if of in {None, carer_id}]
    # A service that begins before the end may extend beyond it.
    reach = Span(within.begin, within.end + service.duration_minutes)
    found = diaries(transaction, carers.known(transaction, wanted).values(), reach)
    return free_times(found, service.offer, within, zone, most=most)


def nearest_free(transaction: Transaction, wanted: WantedTime, now: int, zone: tzinfo) -> list[FreeTime]:
    """The free times nearest to the requested one. A slow read: it goes through days of diaries."""
    service = services.find(transaction, wanted.service_id)
    if service is None or not service.active:
        return []
    service = msgspec.structs.replace(service, duration_minutes=wanted.duration)
    found: list[FreeTime] = []
    for days in NEAREST_DAYS:
        within = around(wanted.start, now, days)
        found = nearest(free(transaction, service, within, zone, of=wanted.carer_id), wanted.start)
        if len(found) == NEAREST_MAX:
            break
    return found
