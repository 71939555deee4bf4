"""The order state machine as a table, from which the API, the pages' buttons, the diagram and the tests are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .people import Role
from .states import Fulfilment
from .states import OrderStatus as S


class Guard(StrEnum):
    PAYMENT_READY = "payment_ready"
    HELD_HERE = "held_here"
    HELD_BEFORE_PICKUP = "held_before_pickup"
    DRIVER_KNOWN = "driver_known"
    ASSIGNED_DRIVER = "assigned_driver"


class Effect(StrEnum):
    RELEASE_STOCK = "release_stock"
    CAPTURE_PAYMENT = "capture_payment"
    GIVE_PAYMENT_BACK = "give_payment_back"
    COLLECT_CASH = "collect_cash"
    HOLD = "hold"
    TAKE_DRIVER = "take_driver"
    CLEAR_DRIVER = "clear_driver"
    COUNT_ATTEMPT = "count_attempt"


@dataclass(frozen=True, slots=True)
class Transition:
    """One transition. `fulfilment` limits it to orders of that kind; every guard must hold."""

    source: S
    target: S
    roles: frozenset[Role]
    needs_reason: bool = False
    fulfilment: Fulfilment | None = None
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()


_STORE: Final = frozenset({Role.STORE, Role.ADMIN})
_TIMER: Final = frozenset({Role.SERVICE})
_DRIVER: Final = frozenset({Role.DRIVER})
_STORE_OR_DRIVER: Final = _STORE | _DRIVER
# A guest is who holds the order's tracking token.
_STORE_OR_BUYER: Final = _STORE | {Role.CUSTOMER, Role.GUEST}

_ENDS_UNFULFILLED: Final = (Effect.RELEASE_STOCK, Effect.GIVE_PAYMENT_BACK)
_BY_ITS_DRIVER: Final = (Guard.ASSIGNED_DRIVER,)

OPEN: Final = (
    S.PENDING,
    S.PROCESSING,
    S.READY_FOR_PICKUP,
    S.READY_FOR_DELIVERY,
    S.DRIVER_ASSIGNED,
    S.PICKED_UP,
    S.IN_TRANSIT,
    S.DELIVERY_FAILED,
    S.RETURNING,
)
BEFORE_PICKED_UP: Final = OPEN[: OPEN.index(S.PICKED_UP)]
TERMINAL: Final = frozenset(S) - frozenset(OPEN) - {S.ON_HOLD}

# Who may place an order: customers and guests, and staff on the phone.
PLACING_ROLES: Final = frozenset({Role.CUSTOMER, Role.GUEST}) | _STORE

TRANSITIONS: Final[tuple[Transition, ...]] = (
    Transition(S.PENDING, S.PROCESSING, _STORE, guards=(Guard.PAYMENT_READY,), effects=(Effect.CAPTURE_PAYMENT,)),
    Transition(S.PENDING, S.REJECTED, _STORE, effects=_ENDS_UNFULFILLED),
    Transition(S.PENDING, S.EXPIRED, _TIMER, effects=_ENDS_UNFULFILLED),
    Transition(S.PROCESSING, S.READY_FOR_PICKUP, _STORE, fulfilment=Fulfilment.PICKUP),
    Transition(S.PROCESSING, S.READY_FOR_DELIVERY, _STORE, fulfilment=Fulfilment.DELIVERY),
    Transition(S.READY_FOR_PICKUP, S.DELIVERED, _STORE, fulfilment=Fulfilment.PICKUP, effects=(Effect.COLLECT_CASH,)),
    Transition(
        S.READY_FOR_DELIVERY,
        S.DRIVER_ASSIGNED,
        _STORE_OR_DRIVER,
        fulfilment=Fulfilment.DELIVERY,
        guards=(Guard.DRIVER_KNOWN,),
        effects=(Effect.TAKE_DRIVER,),
    ),
    Transition(
        S.DRIVER_ASSIGNED,
        S.READY_FOR_DELIVERY,
        _STORE_OR_DRIVER,
        needs_reason=True,
        guards=_BY_ITS_DRIVER,
        effects=(Effect.CLEAR_DRIVER,),
    ),
    Transition(S.DRIVER_ASSIGNED, S.PICKED_UP, _DRIVER, guards=_BY_ITS_DRIVER),
    Transition(S.PICKED_UP, S.IN_TRANSIT, _DRIVER, guards=_BY_ITS_DRIVER),
    Transition(S.IN_TRANSIT, S.DELIVERED, _DRIVER, guards=_BY_ITS_DRIVER, effects=(Effect.COLLECT_CASH,)),
    Transition(
        S.IN_TRANSIT,
        S.DELIVERY_FAILED,
        _DRIVER,
        needs_reason=True,
        guards=_BY_ITS_DRIVER,
        effects=(Effect.COUNT_ATTEMPT,),
    ),
    Transition(S.DELIVERY_FAILED, S.IN_TRANSIT, _STORE_OR_DRIVER, guards=_BY_ITS_DRIVER),
    Transition(S.DELIVERY_FAILED, S.RETURNING, _STORE_OR_DRIVER, guards=_BY_ITS_DRIVER),
    Transition(
        S.RETURNING,
        S.RETURNED,
        _STORE_OR_DRIVER,
        guards=_BY_ITS_DRIVER,
        effects=(Effect.GIVE_PAYMENT_BACK,),
    ),
    *(
        Transition(
            source,
            S.CANCELLED,
            _STORE_OR_BUYER if source is S.PENDING else _STORE,
            needs_reason=True,
            effects=_ENDS_UNFULFILLED,
        )
        for source in BEFORE_PICKED_UP
    ),
    Transition(
        S.ON_HOLD,
        S.CANCELLED,
        _STORE,
        needs_reason=True,
        guards=(Guard.HELD_BEFORE_PICKUP,),
        effects=_ENDS_UNFULFILLED,
    ),
    *(Transition(source, S.ON_HOLD, _STORE, needs_reason=True, effects=(Effect.HOLD,)) for source in OPEN),
    *(Transition(S.ON_HOLD, t, _STORE, guards=(Guard.HELD_HERE,)) for t in OPEN),
)

MOVES: Final = {(t.source, t.target): t for t in TRANSITIONS}
MOVES_FROM: Final = {source: tuple(t for t in TRANSITIONS if t.source is source) for source in S}

# --- What the states themselves imply ---------------------------------------------------------------------------------

# States that only the driver leaves, so the order has one.
CARRIED: Final = frozenset(t.source for t in TRANSITIONS if Guard.ASSIGNED_DRIVER in t.guards)

# States that count a failed attempt at delivery.
FAILING: Final = frozenset(t.target for t in TRANSITIONS if Effect.COUNT_ATTEMPT in t.effects)

# States that return the stock.
RESTOCKING: Final = frozenset(t.target for t in TRANSITIONS if Effect.RELEASE_STOCK in t.effects)

# States that refund the payment.
REFUNDING: Final = frozenset(t.target for t in TRANSITIONS if Effect.GIVE_PAYMENT_BACK in t.effects)


def reachable(fulfilment: Fulfilment) -> frozenset[S]:
    """The states that an order of this kind can reach."""
    found = {S.PENDING, S.ON_HOLD}
    while found < (wider := found | {t.target for t in TRANSITIONS if _leads_on(t, found, fulfilment)}):
        found = wider
    return frozenset(found)


def _leads_on(move: Transition, found: set[S], fulfilment: Fulfilment) -> bool:
    # An order on hold returns to its former state.
    return move.source in found - {S.ON_HOLD} and move.fulfilment in {None, fulfilment}
