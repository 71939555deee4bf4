"""Database rules of bookings: the state machine, and no double booking.

Authorization is the application's; these rules hold for every writer.

No carer is booked twice: the trigger `bookings_taken` ensures it in both databases. It first increments the carer's
`diary`, which locks the carer's row until the commit, and then looks for an overlapping booking. In PostgreSQL a second
writer waits for the first and then sees its booking, or fails with a serialization error if its snapshot is older.
SQLite has one writer. As bookings do not overlap, only the last one that begins before a time can reach over it, so one
index row is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import cleandoc
from typing import Final

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.booking_transitions import (
    BOOKING_MOVES_FROM,
    BOOKING_TRANSITIONS,
    COMING,
    RESCHEDULES,
    TAKING_TIME,
    BookingGuard,
)
from ordercast.commerce.states import PaymentMethod, PaymentStatus
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.payment_rules import payment_refusals
from ordercast.db.sql import literals
from ordercast.db.trigger_helpers import IMPORTING, changed

from .table import TAKES_TIME_SQL

TABLE: Final = "bookings"


def _is_in(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({literals(values)})"


# --- Time -------------------------------------------------------------------------------------------------------------

_TAKES_TIME: Final = _is_in("NEW.status", TAKING_TIME)
# Sixteen characters are a whole minute; longer texts of it are greater, and `~` is greater than all.
_REACHES_IN: Final = f"""(
    SELECT ends_at FROM bookings
    WHERE carer_id = NEW.carer_id AND {TAKES_TIME_SQL} AND id <> NEW.id AND starts_at < substr(NEW.ends_at, 1, 16)
    ORDER BY starts_at DESC LIMIT 1) > substr(NEW.starts_at, 1, 16) || '~'"""
_TAKEN: Final = (
    cleandoc("""
        INSERT INTO carers (carer_id, diary) VALUES (NEW.carer_id, 1)
          ON CONFLICT (carer_id) DO UPDATE SET diary = carers.diary + 1
    """),
    Refusal("booking_taken: this carer has another booking at that time", _REACHES_IN),
)
_MOVES_IN_TIME: Final = changed(["carer_id", "starts_at", "ends_at"])

# --- Moves ------------------------------------------------------------------------------------------------------------


def _from(source: BookingStatus) -> Refusal:
    moves = [*BOOKING_MOVES_FROM[source], *(move for move in RESCHEDULES if move.source is source)]
    targets = list(dict.fromkeys(move.target for move in moves if move.target is not source))
    goes = f"goes to {', '.join(targets)} and nowhere else" if targets else "goes nowhere any more"
    # Unknown names are left to the column's own check.
    known = _is_in("NEW.status", BookingStatus)
    other = f"{known} AND NOT {_is_in('NEW.status', targets)}" if targets else known
    return Refusal(f"booking_flow: a booking that is {source} {goes}", f"OLD.status = '{source}' AND {other}")


_GUARDED: Final = " OR ".join(
    f"(OLD.status = '{move.source}' AND NEW.status = '{move.target}')"
    for move in BOOKING_TRANSITIONS
    if BookingGuard.PAYMENT_READY in move.guards
)
_IS_READY: Final = (
    f"({_is_in('NEW.payment_status', {PaymentStatus.AUTHORIZED, PaymentStatus.PAID})} OR NEW.total = 0"
    f" OR NEW.payment_info ->> 'method' IS NOT DISTINCT FROM '{PaymentMethod.CASH}')"
)
_MOVES: Final = (
    *(_from(source) for source in BookingStatus),
    Refusal(
        "booking_payment_ready: before it is confirmed a booking is authorized, paid, or to be paid in cash",
        f"({_GUARDED}) AND NOT {_IS_READY}",
    ),
)

# --- First states -----------------------------------------------------------------------------------------------------

_IS_FIRST: Final = f"{_is_in('NEW.status', COMING)} AND NEW.version = 1"
_IS_KNOWN: Final = "EXISTS (SELECT 1 FROM bookings WHERE id = NEW.id OR number = NEW.number)"
_BEGIN: Final = (
    # Only SQLite has REPLACE, which fires no delete trigger.
    Refusal("booking_once: a booking is changed by UPDATE, never replaced", _IS_KNOWN, only="sqlite"),
    Refusal(
        f"booking_first_state: a new booking is {' or '.join(COMING)} and of version 1; to import others, put a row"
        f" {IMPORTING} into meta first",
        f"NOT ({_IS_FIRST}) AND NOT EXISTS (SELECT 1 FROM meta WHERE name = '{IMPORTING}')",
    ),
)


def _trigger(name: str, deed: str, refusals: Iterable[str | Refusal], when: str | None) -> Trigger:
    return Trigger(name, f"BEFORE {deed}", TABLE, tuple(refusals), when)


RULES: Final = (
    _trigger("bookings_begin", "INSERT", _BEGIN, f"NOT ({_IS_FIRST}) @sqlite(OR {_IS_KNOWN})"),
    _trigger("bookings_moved", "UPDATE", _MOVES, "OLD.status <> NEW.status"),
    _trigger(
        "bookings_paid", "UPDATE", payment_refusals("booking_payment_flow"), "OLD.payment_status <> NEW.payment_status"
    ),
    _trigger(
        "bookings_counted",
        "UPDATE",
        [Refusal("booking_version: a version rises by one with each change")],
        "NEW.version NOT IN (OLD.version, OLD.version + 1)",
    ),
    _trigger(
        "bookings_stay",
        "UPDATE",
        [Refusal("booking_over: a booking that has begun or ended keeps its time and carer")],
        f"({_MOVES_IN_TIME}) AND NOT {_is_in('OLD.status', COMING)}",
    ),
    _trigger("bookings_taken", "INSERT", _TAKEN, _TAKES_TIME),
    _trigger("bookings_taken_anew", "UPDATE", _TAKEN, f"{_TAKES_TIME} AND ({_MOVES_IN_TIME})"),
)
