"""Decides transitions of an order: whether the table has them, whether their guards hold, and their effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from .errors import GuardRefused, IllegalTransition, InvalidField, NotPermitted, ReasonRequired, StaleVersion
from .payment_flow import ProviderAction, capture_actions, cash_collected, undo_payment
from .people import STAFF, Actor, Role
from .promised_time import UNSAID, Preparation, PromiseChanged, minutes_after
from .states import OrderState, PaymentMethod, PaymentState, PaymentStatus
from .states import OrderStatus as S
from .timestamps import Timestamp
from .transitions import BEFORE_PICKED_UP, MOVES, MOVES_FROM, Effect, Guard, Transition


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A decided transition: `before` is the old state, the rest is the new one."""

    before: OrderState
    status: S
    payment: PaymentState
    owed: tuple[ProviderAction, ...]
    """Actions for the payment provider, after the commit."""
    held_from: S | None
    driver_id: str | None
    attempts: int
    releases_stock: bool
    actor: Actor
    reason: str | None
    at: Timestamp
    promised_at: Timestamp | None = None
    """When it will be ready, as is promised with this move; None leaves it as it was."""

    @property
    def payment_status(self) -> PaymentStatus:
        return self.payment.status


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing changes: the order is in that status."""

    order: OrderState


# --- Questions ------------------------------------------------------------------------------------------------------


def allowed_next(order: OrderState, role: Role) -> tuple[S, ...]:
    """The statuses to which `role` may move `order`. Whether an acting driver is the assigned one is checked by the
    decision.
    """
    return tuple(t.target for t in MOVES_FROM[order.status] if role in t.roles and _refusal(t, order, role) is None)


def decide_status_change(
    order: OrderState,
    target: S,
    actor: Actor,
    *,
    reason: str | None,
    expected_version: int | None,
    now: Timestamp,
    preparation: Preparation = UNSAID,
) -> StatusChanged | Unchanged:
    """Decide a transition. The actor must be entitled to see the order; None as `expected_version` skips the check.

    Raises StaleVersion, IllegalTransition, NotPermitted, ReasonRequired, GuardRefused, or InvalidField for a
    preparation time that does not belong to the move.
    """
    if order.status is target:
        return Unchanged(order)
    if expected_version is not None and expected_version != order.version:
        raise StaleVersion(order, allowed_next(order, actor.role), expected_version, actor)
    move = MOVES.get((order.status, target))
    if move is None:
        raise IllegalTransition(order, allowed_next(order, actor.role), target)
    if actor.role not in move.roles:
        raise NotPermitted(actor, f"move an order from {order.status} to {target}")
    _check(move, order, actor)
    reason = reason.strip() if reason else None
    if move.needs_reason and not reason:
        raise ReasonRequired(target)
    promised_at = preparation.promised_at(move.source, move.target, now, order.requested_time)
    return replace(_changed(move, order, actor, reason or None, now), promised_at=promised_at)


def decide_assignment(
    order: OrderState, driver_id: str, actor: Actor, *, expected_version: int | None, now: Timestamp
) -> StatusChanged | Unchanged:
    """Decide to assign an existing, active driver. Raises as ``decide_status_change``."""
    if actor.role not in STAFF:
        raise NotPermitted(actor, "choose an order's driver")
    if order.status is S.DRIVER_ASSIGNED and order.driver_id != driver_id:
        sentence = "This order has a driver; take it back to ready_for_delivery first."
        raise GuardRefused(order, allowed_next(order, actor.role), sentence)
    chosen = replace(order, driver_id=driver_id)
    return decide_status_change(
        chosen, S.DRIVER_ASSIGNED, actor, reason=None, expected_version=expected_version, now=now
    )


def decide_promise(
    order: OrderState, minutes: int, actor: Actor, *, reason: str | None, expected_version: int, now: Timestamp
) -> PromiseChanged:
    """Decide that the order will be ready `minutes` from now. Raises NotPermitted, StaleVersion, InvalidField or
    GuardRefused.
    """
    if actor.role not in STAFF:
        raise NotPermitted(actor, "change an order's promised time")
    if expected_version != order.version:
        raise StaleVersion(order, allowed_next(order, actor.role), expected_version, actor)
    reason = " ".join((reason or "").split())
    if not reason:
        raise InvalidField("reason", "A reason is needed to promise another time.")
    if S.PROCESSING not in (order.status, order.held_from):
        sentence = f"A time is promised while an order is prepared; this one is {order.status}."
        raise GuardRefused(order, allowed_next(order, actor.role), sentence)
    return PromiseChanged(order, minutes_after(now, minutes), actor, reason, now)


# --- Guards ---------------------------------------------------------------------------------------------------------


def _payment_ready(_move: Transition, order: OrderState, _role: Role) -> str | None:
    if order.payment_method is PaymentMethod.CASH:
        return None
    if order.payment_status in {PaymentStatus.AUTHORIZED, PaymentStatus.PAID}:
        return None
    return f"The payment is {order.payment_status}; it must be authorized or paid before the order is prepared."


def _held_here(move: Transition, order: OrderState, _role: Role) -> str | None:
    return None if order.held_from is move.target else f"This order was put on hold from {order.held_from}."


def _held_before_pickup(_move: Transition, order: OrderState, _role: Role) -> str | None:
    if order.held_from in BEFORE_PICKED_UP:
        return None
    return "The goods have left the shop; the order can be returned, not cancelled."


def _driver_known(_move: Transition, order: OrderState, role: Role) -> str | None:
    if order.driver_id or role is Role.DRIVER:
        return None
    return "No driver has been chosen for this order."


# ASSIGNED_DRIVER is missing: it depends on the actor, not only on the role.
_GUARDS: Final[dict[Guard, Callable[[Transition, OrderState, Role], str | None]]] = {
    Guard.PAYMENT_READY: _payment_ready,
    Guard.HELD_HERE: _held_here,
    Guard.HELD_BEFORE_PICKUP: _held_before_pickup,
    Guard.DRIVER_KNOWN: _driver_known,
}


def _refusal(move: Transition, order: OrderState, role: Role) -> str | None:
    """The sentence of the first guard that fails, of those that order and role decide; None if all hold."""
    if move.fulfilment is not None and move.fulfilment is not order.fulfilment:
        return f"This order is for {order.fulfilment}."
    for guard in move.guards:
        question = _GUARDS.get(guard)
        if question is not None and (sentence := question(move, order, role)) is not None:
            return sentence
    return None


def _check(move: Transition, order: OrderState, actor: Actor) -> None:
    sentence = _refusal(move, order, actor.role)
    if sentence is None and actor.role is Role.DRIVER and not _is_theirs(move, order, actor):
        sentence = "This order is another driver's."
    if sentence is not None:
        raise GuardRefused(order, allowed_next(order, actor.role), sentence)


def _is_theirs(move: Transition, order: OrderState, driver: Actor) -> bool:
    """Whether the driver may make the move: of their own orders, or to take a free one."""
    if order.driver_id is None:
        return Guard.ASSIGNED_DRIVER not in move.guards
    return order.driver_id == driver.id


# --- Effects --------------------------------------------------------------------------------------------------------


def _changed(move: Transition, order: OrderState, actor: Actor, reason: str | None, now: Timestamp) -> StatusChanged:
    effects = move.effects
    payment, owed = _payment_after(order, effects)
    return StatusChanged(
        before=order,
        status=move.target,
        payment=payment,
        owed=owed,
        held_from=order.status if Effect.HOLD in effects else None,
        driver_id=_driver_after(order, effects, actor),
        attempts=order.attempts + (Effect.COUNT_ATTEMPT in effects),
        releases_stock=Effect.RELEASE_STOCK in effects,
        actor=actor,
        reason=reason,
        at=now,
    )


def _payment_after(order: OrderState, effects: tuple[Effect, ...]) -> tuple[PaymentState, tuple[ProviderAction, ...]]:
    if Effect.GIVE_PAYMENT_BACK in effects:
        return undo_payment(order.payment, order.payment_method)
    if Effect.CAPTURE_PAYMENT in effects:
        return order.payment, capture_actions(order.payment)
    if Effect.COLLECT_CASH in effects and order.payment_method is PaymentMethod.CASH:
        return cash_collected(order.payment), ()
    return order.payment, ()


def _driver_after(order: OrderState, effects: tuple[Effect, ...], actor: Actor) -> str | None:
    if Effect.CLEAR_DRIVER in effects:
        return None
    if Effect.TAKE_DRIVER in effects and actor.role is Role.DRIVER:
        return actor.id
    return order.driver_id
