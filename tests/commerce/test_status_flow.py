"""The table of the contract, walked in full: every state, role and target."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.commerce.errors import (
    GuardRefused,
    IllegalTransition,
    NotPermitted,
    ReasonRequired,
    ShopError,
    StaleVersion,
)
from ordercast.commerce.payment_flow import ActionKind, ProviderAction
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import Fulfilment, OrderState, PaymentMethod, PaymentStatus
from ordercast.commerce.states import OrderStatus as S
from ordercast.commerce.status_flow import StatusChanged, Unchanged, allowed_next, decide_status_change
from ordercast.commerce.timestamps import Timestamp

from .orders import order_state

NOW = Timestamp("2026-11-21T06:15:19.608Z")
STORE = {Role.STORE, Role.ADMIN}
DRIVER = {Role.DRIVER}
BOTH = STORE | DRIVER

# Contract section 3, written out by hand: what the program's own table must come to. (who, fulfilment)
BY_HAND: dict[tuple[S, S], tuple[set[Role], Fulfilment | None]] = {
    (S.PENDING, S.PROCESSING): (STORE, None),
    (S.PENDING, S.REJECTED): (STORE, None),
    (S.PENDING, S.EXPIRED): ({Role.SERVICE}, None),
    (S.PROCESSING, S.READY_FOR_PICKUP): (STORE, Fulfilment.PICKUP),
    (S.PROCESSING, S.READY_FOR_DELIVERY): (STORE, Fulfilment.DELIVERY),
    (S.READY_FOR_PICKUP, S.DELIVERED): (STORE, Fulfilment.PICKUP),
    (S.READY_FOR_DELIVERY, S.DRIVER_ASSIGNED): (BOTH, Fulfilment.DELIVERY),
    (S.DRIVER_ASSIGNED, S.READY_FOR_DELIVERY): (BOTH, None),
    (S.DRIVER_ASSIGNED, S.PICKED_UP): (DRIVER, None),
    (S.PICKED_UP, S.IN_TRANSIT): (DRIVER, None),
    (S.IN_TRANSIT, S.DELIVERED): (DRIVER, None),
    (S.IN_TRANSIT, S.DELIVERY_FAILED): (DRIVER, None),
    (S.DELIVERY_FAILED, S.IN_TRANSIT): (BOTH, None),
    (S.DELIVERY_FAILED, S.RETURNING): (BOTH, None),
    (S.RETURNING, S.RETURNED): (BOTH, None),
    (S.PENDING, S.CANCELLED): (STORE | {Role.CUSTOMER, Role.GUEST}, None),
    (S.PROCESSING, S.CANCELLED): (STORE, None),
    (S.READY_FOR_PICKUP, S.CANCELLED): (STORE, None),
    (S.READY_FOR_DELIVERY, S.CANCELLED): (STORE, None),
    (S.DRIVER_ASSIGNED, S.CANCELLED): (STORE, None),
    (S.ON_HOLD, S.CANCELLED): (STORE, None),
    (S.ON_HOLD, S.PROCESSING): (STORE, None),  # held from processing, as the walk below has it
    **{
        (state, S.ON_HOLD): (STORE, None)
        for state in (
            S.PENDING, S.PROCESSING, S.READY_FOR_PICKUP, S.READY_FOR_DELIVERY, S.DRIVER_ASSIGNED, S.PICKED_UP,
            S.IN_TRANSIT, S.DELIVERY_FAILED, S.RETURNING,
        )
    },
}  # fmt: skip


def decide(
    order: OrderState, target: S, role: Role, reason: str | None = "because", version: int | None = None
) -> StatusChanged | Unchanged:
    return decide_status_change(order, target, Actor(role, "me"), reason=reason, expected_version=version, now=NOW)


@pytest.mark.parametrize("fulfilment", Fulfilment)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("source", S)
def test_each_role_makes_the_moves_of_the_contract_and_no_other(source: S, role: Role, fulfilment: Fulfilment) -> None:
    held_from = S.PROCESSING if source is S.ON_HOLD else None
    order = order_state(source, fulfilment=fulfilment, held_from=held_from, driver_id="me")
    made = set()
    for target in S:
        try:
            decision = decide(order, target, role)
        except ShopError:
            continue
        if isinstance(decision, StatusChanged):
            assert decision.status is target
            made.add(target)
        else:
            assert target is source
    wanted = {
        target
        for (start, target), (roles, kind) in BY_HAND.items()
        if start is source and role in roles and kind in {None, fulfilment}
    }
    assert made == wanted
    assert set(allowed_next(order, role)) == wanted


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", S)
def test_a_move_to_where_the_order_is_changes_nothing_whatever_was_seen(state: S, role: Role) -> None:
    order = order_state(state)
    assert decide(order, state, role, reason=None, version=1) == Unchanged(order)


def test_a_stale_version_is_refused_with_what_may_be_done_now() -> None:
    order = order_state(S.PROCESSING, version=7)
    with pytest.raises(StaleVersion) as caught:
        decide(order, S.READY_FOR_DELIVERY, Role.STORE, version=6)
    assert caught.value.state is order
    assert caught.value.allowed == (S.READY_FOR_DELIVERY, S.CANCELLED, S.ON_HOLD)


def test_each_refusal_says_whose_fault_it_is() -> None:
    with pytest.raises(IllegalTransition):
        decide(order_state(S.PENDING), S.DELIVERED, Role.STORE)
    with pytest.raises(NotPermitted):
        decide(order_state(S.PENDING), S.PROCESSING, Role.CUSTOMER)
    with pytest.raises(GuardRefused, match="This order is for delivery"):
        decide(order_state(S.PROCESSING), S.READY_FOR_PICKUP, Role.STORE)


@pytest.mark.parametrize(
    ("source", "target", "role"),
    [
        (S.PENDING, S.CANCELLED, Role.CUSTOMER),
        (S.PROCESSING, S.CANCELLED, Role.STORE),
        (S.DRIVER_ASSIGNED, S.READY_FOR_DELIVERY, Role.STORE),
        (S.IN_TRANSIT, S.DELIVERY_FAILED, Role.DRIVER),
        (S.IN_TRANSIT, S.ON_HOLD, Role.STORE),
    ],
)
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_some_moves_need_a_reason(source: S, target: S, role: Role, reason: str | None) -> None:
    with pytest.raises(ReasonRequired):
        decide(order_state(source, driver_id="me"), target, role, reason=reason)


@pytest.mark.parametrize(
    ("method", "payment", "passes"),
    [
        (PaymentMethod.CASH, PaymentStatus.UNPAID, True),
        (PaymentMethod.CARD, PaymentStatus.AUTHORIZED, True),
        (PaymentMethod.CARD, PaymentStatus.PAID, True),
        (PaymentMethod.CARD, PaymentStatus.UNPAID, False),
        (PaymentMethod.CARD, PaymentStatus.FAILED, False),
    ],
)
def test_an_order_is_prepared_once_its_payment_is_sure(
    method: PaymentMethod, payment: PaymentStatus, passes: bool
) -> None:
    order = order_state(payment_method=method, payment_status=payment)
    assert (S.PROCESSING in allowed_next(order, Role.STORE)) is passes
    if not passes:
        with pytest.raises(GuardRefused):
            decide(order, S.PROCESSING, Role.STORE)


@pytest.mark.parametrize(
    ("before", "after", "owed"),
    [
        (
            {"payment_status": PaymentStatus.UNPAID},
            PaymentStatus.VOIDED,
            [ProviderAction(ActionKind.VOID, is_optional=True)],
        ),
        ({"payment_status": PaymentStatus.AUTHORIZED}, PaymentStatus.AUTHORIZED, [ProviderAction(ActionKind.VOID)]),
        (
            {"payment_status": PaymentStatus.PAID, "captured": 900},
            PaymentStatus.PAID,
            [ProviderAction(ActionKind.REFUND, 900)],
        ),
        (
            {"payment_status": PaymentStatus.PARTIALLY_REFUNDED, "captured": 900, "refunded": 200, "refunding": 100},
            PaymentStatus.PARTIALLY_REFUNDED,
            [ProviderAction(ActionKind.REFUND, 600)],
        ),
        ({"payment_status": PaymentStatus.DISPUTED, "captured": 900}, PaymentStatus.DISPUTED, []),
    ],
    ids=["unpaid", "authorized", "paid", "partially_refunded", "disputed"],
)
@pytest.mark.parametrize(
    ("target", "role"), [(S.REJECTED, Role.STORE), (S.EXPIRED, Role.SERVICE), (S.CANCELLED, Role.CUSTOMER)]
)
def test_an_order_that_ends_unfulfilled_gives_its_stock_back_and_owes_its_payment(
    target: S, role: Role, before: dict[str, Any], after: PaymentStatus, owed: list[ProviderAction]
) -> None:
    order = order_state(payment_method=PaymentMethod.CARD, total=900, **before)
    decision = decide(order, target, role)
    assert isinstance(decision, StatusChanged)
    assert decision.releases_stock
    assert decision.payment_status is after
    assert list(decision.owed) == owed
    assert decision.payment.refunding == order.refunding + sum(deed.amount for deed in owed)


def test_cash_that_was_handed_over_is_handed_back_with_the_goods() -> None:
    order = order_state(S.RETURNING, payment_status=PaymentStatus.PAID, total=900, captured=900)
    decision = decide(order, S.RETURNED, Role.STORE)
    assert isinstance(decision, StatusChanged)
    assert (decision.payment_status, decision.payment.refunded, decision.owed) == (PaymentStatus.REFUNDED, 900, ())


def test_what_was_held_is_captured_when_the_shop_accepts() -> None:
    order = order_state(payment_method=PaymentMethod.CARD, payment_status=PaymentStatus.AUTHORIZED, total=900)
    decision = decide(order, S.PROCESSING, Role.STORE)
    assert isinstance(decision, StatusChanged)
    assert (decision.payment_status, decision.owed) == (
        PaymentStatus.AUTHORIZED,
        (ProviderAction(ActionKind.CAPTURE, 900),),
    )


def test_cash_is_paid_when_the_goods_are_handed_over() -> None:
    at_counter = order_state(S.READY_FOR_PICKUP, fulfilment=Fulfilment.PICKUP)
    at_door = order_state(S.IN_TRANSIT, driver_id="me")
    for order, role in ((at_counter, Role.STORE), (at_door, Role.DRIVER)):
        decision = decide(order, S.DELIVERED, role)
        assert isinstance(decision, StatusChanged)
        assert (decision.payment_status, decision.payment.captured) == (PaymentStatus.PAID, order.total)


def test_a_held_order_returns_to_where_it_was_and_nowhere_else() -> None:
    held = decide(order_state(S.PICKED_UP, driver_id="d"), S.ON_HOLD, Role.STORE)
    assert isinstance(held, StatusChanged)
    assert (held.held_from, held.driver_id) == (S.PICKED_UP, "d")
    order = order_state(S.ON_HOLD, held_from=S.PICKED_UP, driver_id="d")
    back = decide(order, S.PICKED_UP, Role.STORE, reason=None)
    assert isinstance(back, StatusChanged)
    assert back.held_from is None
    with pytest.raises(GuardRefused, match="on hold from picked_up"):
        decide(order, S.PROCESSING, Role.STORE)
    with pytest.raises(GuardRefused, match="left the shop"):
        decide(order, S.CANCELLED, Role.STORE)


def test_a_driver_takes_a_free_order_and_moves_only_their_own() -> None:
    taken = decide(order_state(S.READY_FOR_DELIVERY), S.DRIVER_ASSIGNED, Role.DRIVER)
    assert isinstance(taken, StatusChanged)
    assert taken.driver_id == "me"
    for source, target in (
        (S.READY_FOR_DELIVERY, S.DRIVER_ASSIGNED),
        (S.DRIVER_ASSIGNED, S.PICKED_UP),
        (S.DRIVER_ASSIGNED, S.READY_FOR_DELIVERY),
        (S.IN_TRANSIT, S.DELIVERED),
        (S.DELIVERY_FAILED, S.RETURNING),
    ):
        with pytest.raises(GuardRefused, match="another driver's"):
            decide(order_state(source, driver_id="somebody else"), target, Role.DRIVER)


def test_the_shop_assigns_no_driver_that_nobody_chose() -> None:
    with pytest.raises(GuardRefused, match="No driver"):
        decide(order_state(S.READY_FOR_DELIVERY), S.DRIVER_ASSIGNED, Role.STORE)


def test_unassigning_clears_the_driver_and_failing_counts_the_attempt() -> None:
    free = decide(order_state(S.DRIVER_ASSIGNED, driver_id="d"), S.READY_FOR_DELIVERY, Role.STORE)
    assert isinstance(free, StatusChanged)
    assert free.driver_id is None
    failed = decide(order_state(S.IN_TRANSIT, driver_id="me", attempts=1), S.DELIVERY_FAILED, Role.DRIVER)
    assert isinstance(failed, StatusChanged)
    assert (failed.attempts, failed.reason) == (2, "because")
