"""Reschedules a booking to another time or carer, and locks both carers meanwhile."""

from __future__ import annotations

import msgspec

from ordercast.commerce.booking_flow import BookingChanged, BookingSlot, BookingUnchanged, decide_reschedule
from ordercast.commerce.booking_states import BookingState
from ordercast.commerce.bookings import is_bookable, least_busy
from ordercast.commerce.errors import InvalidField, TimeNotFree
from ordercast.commerce.people import Actor
from ordercast.commerce.services import Carer, Service
from ordercast.commerce.slots import WantedTime, minute_of, moment_of
from ordercast.db import carers, services
from ordercast.db.transaction import Transaction

from . import RequestedTime, ShopTime, availability, load_state, save_decision


def reschedule(
    transaction: Transaction,
    booking_id: str,
    wanted: RequestedTime,
    actor: Actor,
    *,
    reason: str | None,
    expected_version: int | None,
    shop_time: ShopTime,
    by_token: bool = False,
) -> bytes:
    """Reschedule a booking to another time or carer, and return it as JSON. The duration stays. So does the carer, if
    none is given; if they left the shop, a free one is chosen.

    Raises NotFound, InvalidField for a carer who does not do this, TimeNotFree, and what ``decide_reschedule`` does.
    """
    state = load_state(transaction, booking_id, None if by_token else actor)
    duration = minute_of(state.ends_at) - minute_of(state.starts_at)
    requested = BookingSlot(
        moment_of(wanted.start), moment_of(wanted.start + duration), wanted.carer_id or state.carer_id
    )
    before = BookingSlot(moment_of(minute_of(state.starts_at)), moment_of(minute_of(state.ends_at)), state.carer_id)
    if requested == before:
        return save_decision(transaction, BookingUnchanged(state))

    def decide(slot: BookingSlot) -> BookingChanged | BookingUnchanged:
        return decide_reschedule(
            state, slot, actor, reason=reason, expected_version=expected_version, now=shop_time.now
        )

    decide(requested)  # raises if it is not allowed, before any diary is read
    carer = _free_carer(transaction, state, wanted, actor, shop_time)
    return save_decision(transaction, decide(requested._replace(carer_id=carer.id)), carer_name=carer.name)


def _free_carer(
    transaction: Transaction, state: BookingState, wanted: RequestedTime, actor: Actor, shop_time: ShopTime
) -> Carer:
    """The new time's carer, locked until the commit. The service may be changed or deleted. Raises as `reschedule`."""
    service = _service(transaction, state)
    carer_id = wanted.carer_id or _carer_who_stays(transaction, state)
    if carer_id not in {None, state.carer_id, *service.carer_ids}:
        raise InvalidField("carerId", "This carer does not do this service.")
    candidates = service.carer_ids if carer_id is None else [carer_id]
    carers.hold(transaction, {*candidates, state.carer_id})
    known = carers.known(transaction, candidates)
    about = availability.busy_span(wanted.start, service.duration_minutes)
    found = availability.diaries(transaction, known.values(), about, besides=state.id)
    free = [each for each in found if is_bookable(each, service, wanted.start, actor, shop_time.zone)]
    chosen = least_busy(free, service) if carer_id is None else next(iter(free), None)
    if chosen is None:
        raise TimeNotFree(WantedTime(service.id, wanted.start, service.duration_minutes, carer_id))
    return known[chosen.carer_id]


def _service(transaction: Transaction, state: BookingState) -> Service:
    """The service, which takes as long as when it was booked."""
    service = services.find(transaction, state.service_id)
    if service is None:
        raise InvalidField("startsAt", "This service is no longer there; cancel the booking, and make another.")
    return msgspec.structs.replace(service, duration_minutes=minute_of(state.ends_at) - minute_of(state.starts_at))


def _carer_who_stays(transaction: Transaction, state: BookingState) -> str | None:
    """The carer who has it; None where they have left, and nobody can book them at any time."""
    carer = carers.find(transaction, state.carer_id)
    return state.carer_id if carer is not None and carer.active else None
