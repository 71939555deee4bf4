"""The table of bookings, walked in full: every state, role and target, before and after a booking begins."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.commerce.booking_flow import (
    BookingChanged,
    BookingSlot,
    BookingUnchanged,
    allowed_moves,
    decide_booking_move,
    decide_reschedule,
    may_know_booking,
)
from ordercast.commerce.booking_states import BookingState
from ordercast.commerce.booking_states import BookingStatus as S
from ordercast.commerce.errors import GuardRefused, IllegalTransition, NotPermitted, ReasonRequired, StaleVersion
from ordercast.commerce.payment_flow import ActionKind, ProviderAction
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import PaymentMethod, PaymentStatus
from ordercast.commerce.timestamps import Timestamp

from .bookings import booking_state

BEFORE = Timestamp("2026-01-05T09:59:59.999Z")
AT = Timestamp("2026-01-05T10:00:00.000Z")
STORE = {Role.STORE, Role.ADMIN}
CARER = {Role.CARER}
CUSTOMER = {Role.CUSTOMER, Role.GUEST}
SERVICE = {Role.SERVICE}

# By hand: who may, before it begins and after.
BY_HAND: dict[tuple[S, S], tuple[set[Role], set[Role]]] = {
    (S.REQUESTED, S.CONFIRMED): (STORE | CARER, STORE | CARER),
    (S.REQUESTED, S.CANCELLED): (STORE | CARER | CUSTOMER | SERVICE, STORE | CARER | SERVICE),
    (S.CONFIRMED, S.IN_PROGRESS): (STORE | CARER, STORE | CARER),
    (S.CONFIRMED, S.CANCELLED): (STORE | CUSTOMER, STORE),
    (S.CONFIRMED, S.NO_SHOW): (STORE, STORE | CARER),
    (S.IN_PROGRESS, S.COMPLETED): (STORE | CARER, STORE | CARER),
    (S.IN_PROGRESS, S.CANCELLED): (STORE, STORE),
}
ANOTHER_TIME = BookingSlot("2026-01-06T10:00:00.000Z", "2026-01-06T11:00:00.000Z", "car_1")


def actor(role: Role) -> Actor:
    return Actor(role, {Role.CARER: "car_1", Role.CUSTOMER: "cus_1", Role.GUEST: ""}.get(role, "usr_1"))


def decide(
    booking: BookingState, target: S, by: Actor, now: Timestamp = BEFORE, *, version: int | None = 1, reason: str = "r"
) -> Any:
    return decide_booking_move(booking, target, by, reason=reason, expected_version=version, now=now)


@pytest.mark.parametrize("target", S)
@pytest.mark.parametrize("source", S)
def test_a_move_is_permitted_to_whom_the_table_says(source: S, target: S) -> None:
    booking = booking_state(source)
    for index, now in enumerate((BEFORE, AT)):
        for role in Role:
            may = source is target or role in BY_HAND.get((source, target), (set(), set()))[index]
            assert (target in allowed_moves(booking, actor(role), now)) is (may and source is not target)
            if may:
                decided = decide(booking, target, actor(role), now)
                assert isinstance(decided, BookingUnchanged if source is target else BookingChanged)
            else:
                with pytest.raises((IllegalTransition, NotPermitted, GuardRefused)):
                    decide(booking, target, actor(role), now)


def test_a_carer_moves_only_what_is_theirs() -> None:
    with pytest.raises(GuardRefused, match="another carer's"):
        decide(booking_state(), S.CONFIRMED, Actor(Role.CARER, "car_2"))


def test_a_stale_version_is_answered_with_the_state_and_the_allowed_moves() -> None:
    booking = booking_state(S.CONFIRMED, version=3)
    with pytest.raises(StaleVersion, match="booking is at version 3") as caught:
        decide(booking, S.IN_PROGRESS, actor(Role.STORE), version=2)
    assert caught.value.state is booking
    assert caught.value.allowed == (S.IN_PROGRESS, S.CANCELLED, S.NO_SHOW)


def test_a_move_to_where_it_is_changes_nothing_whatever_version_was_seen() -> None:
    assert decide(booking_state(version=3), S.REQUESTED, actor(Role.CUSTOMER), version=1) == BookingUnchanged(
        booking_state(version=3)
    )


def test_who_calls_a_booking_off_says_why() -> None:
    with pytest.raises(ReasonRequired, match="a booking to cancelled"):
        decide(booking_state(), S.CANCELLED, actor(Role.CUSTOMER), reason=" ")


@pytest.mark.parametrize("status", PaymentStatus)
def test_a_card_is_authorized_or_paid_before_the_booking_is_confirmed(status: PaymentStatus) -> None:
    booking = booking_state(payment_method=PaymentMethod.CARD, payment_status=status)
    if status in {PaymentStatus.AUTHORIZED, PaymentStatus.PAID}:
        owed = decide(booking, S.CONFIRMED, actor(Role.STORE)).owed
        assert owed == ((ProviderAction(ActionKind.CAPTURE, 50_000),) if status is PaymentStatus.AUTHORIZED else ())
    else:
        with pytest.raises(GuardRefused, match="must be authorized or paid"):
            decide(booking, S.CONFIRMED, actor(Role.STORE))


def test_cash_is_collected_when_the_work_is_done_and_a_claim_on_nobody_is_void() -> None:
    done = decide(booking_state(S.IN_PROGRESS), S.COMPLETED, actor(Role.CARER), AT)
    assert (done.payment.status, done.payment.captured) == (PaymentStatus.PAID, 50_000)
    assert decide(booking_state(), S.CANCELLED, actor(Role.GUEST)).payment.status is PaymentStatus.VOIDED
    missed = decide(booking_state(S.CONFIRMED), S.NO_SHOW, actor(Role.STORE), AT)
    assert missed.payment.status is PaymentStatus.UNPAID


def test_what_was_paid_by_card_is_given_back_by_its_provider() -> None:
    paid = {"payment_method": PaymentMethod.CARD, "payment_status": PaymentStatus.PAID, "captured": 50_000}
    called_off = decide(booking_state(S.CONFIRMED, **paid), S.CANCELLED, actor(Role.CUSTOMER))
    assert called_off.owed == (ProviderAction(ActionKind.REFUND, 50_000),)
    assert decide(booking_state(S.CONFIRMED, **paid), S.NO_SHOW, actor(Role.STORE), AT).owed == ()


# --- To another time --------------------------------------------------------------------------------------------------


def reschedule(booking: BookingState, by: Actor, now: Timestamp = BEFORE, to: BookingSlot = ANOTHER_TIME) -> Any:
    return decide_reschedule(booking, to, by, reason=None, expected_version=1, now=now)


@pytest.mark.parametrize(
    ("source", "role", "target"),
    [
        (S.REQUESTED, Role.CUSTOMER, S.REQUESTED),
        (S.REQUESTED, Role.GUEST, S.REQUESTED),
        (S.REQUESTED, Role.STORE, S.REQUESTED),
        (S.CONFIRMED, Role.STORE, S.CONFIRMED),
        (S.CONFIRMED, Role.CUSTOMER, S.REQUESTED),
        (S.CONFIRMED, Role.GUEST, S.REQUESTED),
    ],
)
def test_what_a_customer_moves_is_to_be_confirmed_anew(source: S, role: Role, target: S) -> None:
    decided = reschedule(booking_state(source), actor(role))
    assert (decided.status, decided.slot) == (target, ANOTHER_TIME)
    if role is not Role.STORE:
        with pytest.raises(GuardRefused, match="has begun"):
            reschedule(booking_state(source), actor(role), AT)


@pytest.mark.parametrize("role", [Role.CARER, Role.DRIVER, Role.SERVICE])
def test_nobody_else_moves_a_booking_to_another_time(role: Role) -> None:
    with pytest.raises(NotPermitted):
        reschedule(booking_state(), actor(role))


@pytest.mark.parametrize("status", [S.IN_PROGRESS, S.COMPLETED, S.CANCELLED, S.NO_SHOW])
def test_what_has_begun_or_ended_keeps_its_time(status: S) -> None:
    with pytest.raises(GuardRefused, match="not moved to another time"):
        reschedule(booking_state(status), actor(Role.STORE))


def test_the_same_time_and_carer_changes_nothing() -> None:
    booking = booking_state(version=9)
    same = BookingSlot(booking.starts_at, booking.ends_at, booking.carer_id)
    assert reschedule(booking, actor(Role.CUSTOMER), to=same) == BookingUnchanged(booking)


def test_customers_and_carers_know_of_their_own_bookings_alone() -> None:
    known = {role for role in Role if may_know_booking(actor(role), "cus_1", "car_1")}
    assert known == {*STORE, Role.SERVICE, Role.CUSTOMER, Role.CARER}
    assert not may_know_booking(Actor(Role.CUSTOMER, "cus_2"), "cus_1", "car_1")
    assert not may_know_booking(Actor(Role.CARER, "car_2"), "cus_1", "car_1")
    assert not may_know_booking(Actor(Role.CUSTOMER), "", None)


def test_a_booking_is_confirmed_for_a_carer_who_is_there() -> None:
    left = booking_state(carer_left=True)
    with pytest.raises(GuardRefused, match="The carer has left; give the booking to another one first"):
        decide_booking_move(left, S.CONFIRMED, Actor(Role.STORE, "usr_1"), reason=None, expected_version=1, now=BEFORE)
    assert S.CONFIRMED not in allowed_moves(left, Actor(Role.STORE, "usr_1"), BEFORE)
    cancelled = decide_booking_move(
        left, S.CANCELLED, Actor(Role.STORE, "usr_1"), reason="none is free", expected_version=1, now=AT
    )
    assert isinstance(cancelled, BookingChanged)
