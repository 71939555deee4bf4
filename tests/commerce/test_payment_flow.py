from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ordercast.commerce.errors import NotRefundable, RefundTooLarge
from ordercast.commerce.payment_books import MismatchKind, differences
from ordercast.commerce.payment_flow import (
    PAYMENT_TRANSITIONS,
    Duty,
    Known,
    Owed,
    accepted,
    cash_collected,
    decide_refund,
    given_back,
    refundable,
    standing,
    way,
)
from ordercast.commerce.payments import Books
from ordercast.commerce.states import PaymentMethod, PaymentState
from ordercast.commerce.states import PaymentStatus as P

TOTAL = 900
CARD, CASH = PaymentMethod.CARD, PaymentMethod.CASH


def paid(**changes: Any) -> PaymentState:
    return replace(PaymentState(P.PAID, TOTAL, TOTAL), **changes)


def test_every_way_is_legal_and_the_shortest() -> None:
    for source in P:
        for target in P:
            steps = way(source, target)
            if steps is not None:
                assert all(after in PAYMENT_TRANSITIONS[before] for before, after in pairwise((source, *steps)))
                assert (steps or (source,))[-1] is target
    assert way(P.PAID, P.PAID) == ()
    assert way(P.AUTHORIZED, P.REFUNDED) == (P.PAID, P.REFUNDED)
    assert way(P.VOIDED, P.PAID) is None
    assert way(P.REFUNDED, P.DISPUTED) is None


def test_what_is_owed_at_an_end_by_what_a_provider_holds() -> None:
    assert given_back(PaymentState(P.UNPAID, TOTAL), CARD) == (PaymentState(P.VOIDED, TOTAL), ())
    for status in (P.AUTHORIZED, P.FAILED):
        held = PaymentState(status, TOTAL)
        assert given_back(held, CARD) == (held, (Owed(Duty.VOID),))
    assert given_back(paid(refunded=200, refunding=100), CARD) == (
        paid(refunded=200, refunding=700),
        (Owed(Duty.REFUND, 600),),
    )
    assert given_back(paid(), CASH) == (paid(refunded=TOTAL, status=P.REFUNDED), ())
    for status in (P.DISPUTED, P.REFUNDED, P.VOIDED):
        over = PaymentState(status, TOTAL, TOTAL)
        assert given_back(over, CARD) == (over, ())


def test_only_what_is_held_is_captured_and_only_what_is_unpaid_collected() -> None:
    for status in P:
        state = PaymentState(status, TOTAL)
        assert accepted(state) == ((Owed(Duty.CAPTURE, TOTAL),) if status is P.AUTHORIZED else ())
        collected = cash_collected(state)
        assert collected == (PaymentState(P.PAID, TOTAL, TOTAL) if status is P.UNPAID else state)


@given(st.integers(0, TOTAL), st.integers(0, TOTAL), st.integers(1, 2 * TOTAL) | st.none())
def test_a_refund_never_passes_what_was_captured(refunded: int, refunding: int, amount: int | None) -> None:
    if refunded + refunding > TOTAL:
        return
    state = PaymentState(P.PARTIALLY_REFUNDED if refunded else P.PAID, TOTAL, TOTAL, refunded, refunding)
    left = refundable(state)
    if left == 0:
        with pytest.raises(NotRefundable):
            decide_refund(state, CARD, amount, "BDT")
    elif amount is not None and amount > left:
        with pytest.raises(RefundTooLarge, match=r"only BDT \d+\.\d\d is left"):
            decide_refund(state, CARD, amount, "BDT")
    else:
        after, owed = decide_refund(state, CARD, amount, "BDT")
        assert owed == (Owed(Duty.REFUND, amount or left),)
        assert after.refunding == refunding + (amount or left)
        handed, nothing = decide_refund(state, CASH, amount, "BDT")
        assert (handed.refunded, nothing) == (refunded + (amount or left), ())
        assert (handed.status is P.REFUNDED) is (handed.refunded == TOTAL)


# --- Facts ------------------------------------------------------------------------------------------------------------

FACTS = {
    "captured": Known(captured=TOTAL),
    "refund": Known(refunds=300),
    "disputed": Known(is_disputed=True),
    "failed": Known(ended=P.FAILED),
}


def told(state: PaymentState, names: tuple[str, ...]) -> PaymentState:
    """Facts one after another; sums and disputes are kept, as the ledger keeps them."""
    kept = Known()
    for name in names:
        fact = FACTS[name]
        kept = Known(
            fact.captured, max(kept.refunds, fact.refunds), kept.is_disputed or fact.is_disputed, ended=fact.ended
        )
        after = standing(state, kept)
        assert way(state.status, after.status) is not None, (state, name)
        state = after
    return state


@pytest.mark.parametrize("order", list(permutations(FACTS)), ids="-".join)
def test_facts_lead_to_the_same_end_in_whatever_order_and_however_often(order: tuple[str, ...]) -> None:
    begin = PaymentState(P.AUTHORIZED, TOTAL)
    end = PaymentState(P.DISPUTED, TOTAL, TOTAL, 300)
    assert told(begin, order) == end
    assert told(begin, (*order, *order[::-1])) == end


def test_a_failure_told_after_the_release_changes_nothing() -> None:
    released = PaymentState(P.VOIDED, TOTAL)
    assert standing(released, Known(ended=P.FAILED)) == released


class PaymentMachine(RuleBasedStateMachine):
    """The shop, a provider with books of its own, and facts that arrive late, twice or not in order."""

    def __init__(self) -> None:
        super().__init__()
        self.payment = PaymentState(P.AUTHORIZED, TOTAL)
        self.history = [P.AUTHORIZED]
        self.books = Books("x", "BDT", 0, 0, is_held=True)
        self.tasks: list[Owed] = []
        self.ended = False
        self.heard = Known()

    def _owe(self, owed: tuple[Owed, ...]) -> None:
        self.tasks += [deed for deed in owed if deed.duty is Duty.REFUND or deed not in self.tasks]

    @rule()
    @precondition(lambda self: not self.ended)
    def accept(self) -> None:
        self._owe(accepted(self.payment))

    @rule()
    def end(self) -> None:
        self.ended = True
        after, owed = given_back(self.payment, CARD)
        self._become(after)
        self._owe(owed)

    @rule(amount=st.none() | st.integers(1, TOTAL))
    def refund(self, amount: int | None) -> None:
        try:
            after, owed = decide_refund(self.payment, CARD, amount, "BDT")
        except (NotRefundable, RefundTooLarge):
            return
        self._become(after)
        self._owe(owed)

    @rule(refuses=st.booleans())
    @precondition(lambda self: self.tasks)
    def provider_answers(self, refuses: bool) -> None:
        deed = self.tasks.pop(0)
        released = deed.amount if deed.duty is Duty.REFUND else 0
        before = replace(self.payment, refunding=self.payment.refunding - min(released, self.payment.refunding))
        known = self.heard
        match deed.duty:
            case Duty.CAPTURE if self.books.is_held and not refuses:
                self.books = replace(self.books, captured=deed.amount, is_held=False)
            case Duty.VOID if self.books.is_held:
                self.books = replace(self.books, is_held=False)
                known = replace(known, ended=P.VOIDED)
            case Duty.CAPTURE if not self.books.captured:
                known = replace(known, ended=P.FAILED)
            case Duty.REFUND if not refuses and self._gives_back(deed.amount):
                self.books = replace(self.books, refunded=self.books.refunded + deed.amount)
            case _:
                pass
        self._hear(replace(known, captured=self.books.captured, refunds=self.books.refunded), before)

    def _gives_back(self, amount: int) -> bool:
        return not self.books.is_disputed and amount <= self.books.captured - self.books.refunded

    @rule(won=st.booleans())
    @precondition(lambda self: self.books.captured > self.books.refunded)
    def bank_disputes_or_decides(self, won: bool) -> None:
        is_open = not self.books.is_disputed
        self.books = replace(self.books, is_disputed=is_open)
        if not is_open and not won:
            self.books = replace(self.books, refunded=self.books.captured)
        known = replace(self.heard, captured=self.books.captured, is_disputed=is_open)
        self._hear(replace(known, is_lost=not is_open and not won), self.payment)

    @rule()
    def the_provider_repeats_itself(self) -> None:
        self._hear(self.heard, self.payment)

    def _hear(self, known: Known, before: PaymentState) -> None:
        self.heard = replace(known, ended=None)
        after = standing(before, known)
        if self.ended:
            after, owed = given_back(after, CARD)
            self._owe(owed)
        self._become(after)

    def _become(self, after: PaymentState) -> None:
        steps = way(self.payment.status, after.status)
        assert steps is not None, (self.payment, after)
        self.history += steps
        self.payment = after

    @invariant()
    def sums_are_within_each_other(self) -> None:
        payment = self.payment
        assert 0 <= payment.refunded + payment.refunding <= payment.captured <= payment.total
        assert min(payment.refunded, payment.refunding) >= 0

    @invariant()
    def every_move_is_of_the_table(self) -> None:
        assert all(after in PAYMENT_TRANSITIONS[before] for before, after in pairwise(self.history))

    @invariant()
    def the_books_agree_once_everything_is_answered(self) -> None:
        if not self.tasks:
            found = {difference.kind for difference in differences(self.payment, "BDT", self.books)}
            assert not found & {MismatchKind.CAPTURED, MismatchKind.REFUNDED, MismatchKind.DISPUTED}


TestPaymentMachine = PaymentMachine.TestCase
