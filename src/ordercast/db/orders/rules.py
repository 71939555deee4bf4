"""Database rules of orders: the state machine, generated from the same tables.

Authorization and reasons are the application's; these rules hold for every writer. Each refusal begins with its rule's
name; ``docs/reference/database.md`` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ordercast.commerce.states import LEGACY_NAMES, Fulfilment, OrderStatus, PaymentMethod, PaymentStatus
from ordercast.commerce.transitions import BEFORE_PICKED_UP, MOVES_FROM, TRANSITIONS, Effect, Guard, Transition
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.payment_rules import payment_refusals
from ordercast.db.sql import literals
from ordercast.db.trigger_helpers import IMPORTING


def _is_in(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({literals(values)})"


def _refusal(when: str | None, rule: str, sentence: str) -> Refusal:
    return Refusal(f"{rule}: {sentence}", when)


def _trigger(name: str, deed: str, when: str, refusals: Iterable[Refusal]) -> Trigger:
    return Trigger(name, f"BEFORE {deed}", "orders", tuple(refusals), when)


# --- Moves ------------------------------------------------------------------------------------------------------------


def _from(source: OrderStatus) -> Refusal:
    targets = [move.target for move in MOVES_FROM[source]]
    goes = f"goes to {', '.join(targets)} and nowhere else" if targets else "goes nowhere any more"
    # Unknown names are left to the column's own check.
    known = _is_in("NEW.status", OrderStatus)
    other = f"{known} AND NOT {_is_in('NEW.status', targets)}" if targets else known
    return _refusal(f"OLD.status = '{source}' AND {other}", "order_flow", f"an order that is {source} {goes}")


def _any_of(moves: Iterable[Transition]) -> str:
    pairs = [f"(OLD.status = '{move.source}' AND NEW.status = '{move.target}')" for move in moves]
    return f"({' OR '.join(pairs)})"


def _guarded_by(guard: Guard) -> str:
    return _any_of(move for move in TRANSITIONS if guard in move.guards)


_PAID_ENOUGH: Final = _is_in("NEW.payment_status", {PaymentStatus.AUTHORIZED, PaymentStatus.PAID})
_BY_CASH: Final = f"NEW.payment_info ->> 'method' IS NOT DISTINCT FROM '{PaymentMethod.CASH}'"

_MOVES: Final = [
    *(_from(source) for source in OrderStatus),
    _refusal(
        f"{_guarded_by(Guard.PAYMENT_READY)} AND NOT ({_PAID_ENOUGH} OR {_BY_CASH})",
        "order_payment_ready",
        "before it is prepared an order is authorized, paid, or to be paid in cash",
    ),
    _refusal(
        f"NEW.status = '{OrderStatus.ON_HOLD}' AND NEW.held_from IS DISTINCT FROM OLD.status",
        "order_held_from",
        "held_from names the status that the order is held from",
    ),
    _refusal(
        f"{_guarded_by(Guard.HELD_HERE)} AND OLD.held_from IS DISTINCT FROM NEW.status",
        "order_held_from",
        "an order that is on_hold returns to where it was",
    ),
    _refusal(
        f"{_guarded_by(Guard.HELD_BEFORE_PICKUP)} AND NOT {_is_in('OLD.held_from', BEFORE_PICKED_UP)}",
        "order_held_from",
        "goods that have left the shop are returned, not cancelled",
    ),
    _refusal(
        f"{_any_of(t for t in TRANSITIONS if Effect.CLEAR_DRIVER in t.effects)} AND NEW.driver_id IS NOT NULL",
        "order_driver",
        "an order that is given back waits for a driver and has none",
    ),
]


# --- Names, and first states ------------------------------------------------------------------------------------------


def _former(name: str, meant: OrderStatus | dict[Fulfilment, OrderStatus]) -> Refusal:
    names = " or ".join(meant.values()) if isinstance(meant, dict) else meant
    return _refusal(f"NEW.status = '{name}'", "order_former_name", f"write {names}, not {name}")


_FORMER_NAMES: Final = [_former(name, meant) for name, meant in LEGACY_NAMES.items()]
_IS_FORMER: Final = _is_in("NEW.status", LEGACY_NAMES)

_IS_FIRST: Final = f"NEW.status = '{OrderStatus.PENDING}' AND NEW.version = 1"
_IS_KNOWN: Final = "EXISTS (SELECT 1 FROM orders WHERE id = NEW.id OR number = NEW.number)"

# Only SQLite has REPLACE, which fires no delete trigger.
_ONCE: Final = Refusal("order_once: an order is changed by UPDATE, never replaced", _IS_KNOWN, only="sqlite")
_FIRST: Final = _refusal(
    f"NOT ({_IS_FIRST}) AND NOT EXISTS (SELECT 1 FROM meta WHERE name = '{IMPORTING}')",
    "order_first_state",
    f"a new order is pending and of version 1; to import others, put a row {IMPORTING} into meta first",
)


RULES: Final = (
    # One trigger for all: each costs every order a microsecond.
    _trigger("orders_begin", "INSERT", f"NOT ({_IS_FIRST}) @sqlite(OR {_IS_KNOWN})", [*_FORMER_NAMES, _ONCE, _FIRST]),
    _trigger("orders_renamed", "UPDATE", _IS_FORMER, _FORMER_NAMES),
    _trigger("orders_moved", "UPDATE", "OLD.status <> NEW.status", _MOVES),
    _trigger(
        "orders_held",
        "UPDATE",
        "OLD.status = NEW.status AND OLD.held_from IS DISTINCT FROM NEW.held_from",
        [_refusal(None, "order_held_from", "where an order is held from changes with its status alone")],
    ),
    _trigger(
        "orders_paid",
        "UPDATE",
        "OLD.payment_status <> NEW.payment_status",
        payment_refusals("order_payment_flow"),
    ),
    _trigger(
        "orders_counted",
        "UPDATE",
        "NEW.version NOT IN (OLD.version, OLD.version + 1) OR NEW.attempts < OLD.attempts",
        [
            _refusal("NEW.attempts < OLD.attempts", "order_attempts", "attempts at delivery are only ever added to"),
            _refusal(None, "order_version", "a version rises by one with each change"),
        ],
    ),
)
