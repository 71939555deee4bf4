from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ordercast.commerce.errors import NotRefundable, RefundTooLarge
from ordercast.commerce.payment_flow import (
    PAYMENT_TRANSITIONS,
    ActionKind,
    PaymentFacts,
    ProviderAction,
    RefundUpdate,
    capture_actions,
    cash_collected,
    decide_refund,
    derive_state,
    refund_sums,
    refundable,
    transition_path,
    undo_payment,
)
from ordercast.commerce.payment_flow import RefundState as R
from ordercast.commerce.payments import ProviderPayment
from ordercast.commerce.reconciliation import MismatchKind, discrepancies
from ordercast.commerce.states import PaymentMethod, PaymentState
from ordercast.commerce.states import PaymentStatus as P

TOTAL = 900
CARD, CASH = PaymentMethod.CARD, PaymentMethod.CASH


def paid(**changes: Any) -> PaymentState:
    return replace(PaymentState(P.PAID, TOTAL, TOTAL), **changes)


def test_every_way_is_legal_and_the_shortest() -> None:
    for source in P:
        for target in P:
            steps = transition_path(source, target)
            if steps is not None:
                assert all(after in PAYMENT_TRANSITIONS[before] for before, after in pairwise((source, *steps)))
                assert (steps or (source,))[-1] is target
    assert transition_path(P.PAID, P.PAID) == ()
    assert transition_path(P.AUTHORIZED, P.REFUNDED) == (P.PAID, P.REFUNDED)
    assert transition_path(P.VOIDED, P.PAID) is None
    assert transition_path(P.REFUNDED, P.PARTIALLY_REFUNDED) == (P.PARTIALLY_REFUNDED,)


def test_what_was_captured_in_part_never_passes_through_paid_nor_the_rest_through_failed() -> None:
    for source in P:
        for target in P:
            assert P.FAILED not in (transition_path(source, target) or ())[:-1]
            assert not {P.PAID, P.PARTIALLY_REFUNDED} & {*(transition_path(source, target, in_full=False) or ())[:-1]}
    assert transition_path(P.AUTHORIZED, P.REFUNDED, in_full=False) == (P.FAILED, P.REFUNDED)


def test_what_is_owed_at_an_end_by_what_a_provider_holds() -> None:
    assert undo_payment(PaymentState(P.UNPAID, TOTAL), CASH) == (PaymentState(P.VOIDED, TOTAL), ())
    at_the_bank = (ProviderAction(ActionKind.VOID, is_optional=True),)
    assert undo_payment(PaymentState(P.UNPAID, TOTAL), CARD) == (PaymentState(P.VOIDED, TOTAL), at_the_bank)
    for status in (P.AUTHORIZED, P.FAILED):
        held = PaymentState(status, TOTAL)
        assert undo_payment(held, CARD) == (held, (ProviderAction(ActionKind.VOID),))
    assert undo_payment(paid(refunded=200, refunding=100), CARD) == (
        paid(refunded=200, refunding=700),
        (ProviderAction(ActionKind.REFUND, 600),),
    )
    assert undo_payment(paid(), CASH) == (paid(refunded=TOTAL, status=P.REFUNDED), ())
    in_part = PaymentState(P.FAILED, TOTAL, 600)
    assert undo_payment(in_part, CARD) == (replace(in_part, refunding=600), (ProviderAction(ActionKind.REFUND, 600),))
    for status in (P.DISPUTED, P.REFUNDED, P.VOIDED):
        over = PaymentState(status, TOTAL, TOTAL)
        assert undo_payment(over, CARD) == (over, ())


def test_only_what_is_held_is_captured_and_only_what_is_unpaid_collected() -> None:
    for status in P:
        state = PaymentState(status, TOTAL)
        assert capture_actions(state) == (
            (ProviderAction(ActionKind.CAPTURE, TOTAL),) if status is P.AUTHORIZED else ()
        )
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
        assert owed == (ProviderAction(ActionKind.REFUND, amount or left),)
        assert after.refunding == refunding + (amount or left)
        handed, nothing = decide_refund(state, CASH, amount, "BDT")
        assert (handed.refunded, nothing) == (refunded + (amount or left), ())
        assert (handed.status is P.REFUNDED) is (handed.refunded == TOTAL)


# --- Facts ------------------------------------------------------------------------------------------------------------


def news(reference: str, state: R, amount: int) -> RefundUpdate:
    return RefundUpdate("x", reference, state, amount)


def heard(kept: PaymentFacts, ledger: list[RefundUpdate], fact: PaymentFacts | RefundUpdate) -> PaymentFacts:
    """What is known with one more fact; refunds and disputes are kept, as the ledger keeps them."""
    before = refund_sums(ledger)
    if isinstance(fact, RefundUpdate):
        ledger.append(fact)
        fact = PaymentFacts()
    sums = refund_sums(ledger)
    came_back = max(0, before.succeeded - sums.succeeded)
    is_disputed = kept.is_disputed or fact.is_disputed
    return PaymentFacts(fact.captured, sums.succeeded, sums.pending, came_back, is_disputed, ended=fact.ended)


def told(state: PaymentState, facts: tuple[PaymentFacts | RefundUpdate, ...]) -> PaymentState:
    """Facts one after another."""
    kept, ledger = PaymentFacts(), list[RefundUpdate]()
    for fact in facts:
        kept = heard(kept, ledger, fact)
        after = derive_state(state, kept)
        assert transition_path(state.status, after.status, in_full=after.captured == after.total) is not None, (
            state,
            fact,
        )
        state = after
    return state


FACTS: dict[str, PaymentFacts | RefundUpdate] = {
    "captured": PaymentFacts(captured=TOTAL),
    "refund": news("re", R.SUCCEEDED, 300),
    "disputed": PaymentFacts(is_disputed=True),
    "failed": PaymentFacts(ended=P.FAILED),
}


@pytest.mark.parametrize("order", list(permutations(FACTS)), ids="-".join)
def test_facts_lead_to_the_same_end_in_whatever_order_and_however_often(order: tuple[str, ...]) -> None:
    begin = PaymentState(P.AUTHORIZED, TOTAL)
    end = PaymentState(P.DISPUTED, TOTAL, TOTAL, 300)
    facts = tuple(FACTS[name] for name in order)
    assert told(begin, facts) == end
    assert told(begin, (*facts, *facts[::-1])) == end


@pytest.mark.parametrize(
    ("states", "ends"),
    [
        ({R.PENDING}, PaymentState(P.PAID, TOTAL, TOTAL, 0, 300)),
        ({R.PENDING, R.SUCCEEDED}, PaymentState(P.PARTIALLY_REFUNDED, TOTAL, TOTAL, 300)),
        ({R.PENDING, R.FAILED}, PaymentState(P.PAID, TOTAL, TOTAL)),
        ({R.SUCCEEDED, R.FAILED}, PaymentState(P.PAID, TOTAL, TOTAL)),
        ({R.PENDING, R.SUCCEEDED, R.FAILED}, PaymentState(P.PAID, TOTAL, TOTAL)),
    ],
)
def test_a_refund_ends_where_its_life_ends_whichever_part_of_it_is_heard_first(
    states: set[R], ends: PaymentState
) -> None:
    facts: list[PaymentFacts | RefundUpdate] = [FACTS["captured"], *(news("re", state, 300) for state in states)]
    for order in permutations(facts):
        begin = PaymentState(P.AUTHORIZED, TOTAL)
        assert told(begin, order) == ends
        assert told(begin, (*order, *order[::-1], *order)) == ends


def test_only_the_refund_that_came_back_is_taken_from_the_sum() -> None:
    two = (FACTS["captured"], news("a", R.SUCCEEDED, 300), news("b", R.SUCCEEDED, 600))
    assert told(PaymentState(P.AUTHORIZED, TOTAL), two).status is P.REFUNDED
    after = told(PaymentState(P.AUTHORIZED, TOTAL), (*two, news("a", R.FAILED, 0)))
    assert after == PaymentState(P.PARTIALLY_REFUNDED, TOTAL, TOTAL, 600)
    assert refundable(after) == 300


def test_paid_is_paid_in_full() -> None:
    held, part, rest = PaymentState(P.AUTHORIZED, TOTAL), PaymentFacts(captured=600), PaymentFacts(captured=TOTAL)
    assert told(held, (part,)) == PaymentState(P.FAILED, TOTAL, 600)
    assert told(held, (part, rest)) == told(held, (rest, part)) == PaymentState(P.PAID, TOTAL, TOTAL)
    assert told(held, (part, news("re", R.SUCCEEDED, 600))) == PaymentState(P.REFUNDED, TOTAL, 600, 600)
    assert told(held, (part, news("re", R.SUCCEEDED, 200))) == PaymentState(P.FAILED, TOTAL, 600, 200)
    assert told(held, (part, PaymentFacts(is_disputed=True))) == PaymentState(P.DISPUTED, TOTAL, 600)


def test_what_another_program_wrote_as_refunded_stays_where_the_ledger_knows_less() -> None:
    assert derive_state(paid(refunded=500), PaymentFacts(refunds=300)).refunded == 500


def test_what_is_held_after_all_is_authorized_unless_it_was_released_or_taken() -> None:
    held = PaymentFacts(is_held=True)
    for status in (P.UNPAID, P.FAILED):
        assert derive_state(PaymentState(status, TOTAL), held).status is P.AUTHORIZED
    for state in (PaymentState(P.VOIDED, TOTAL), PaymentState(P.AUTHORIZED, TOTAL), paid()):
        assert derive_state(state, held) == state


def test_a_failure_told_after_the_release_changes_nothing() -> None:
    released = PaymentState(P.VOIDED, TOTAL)
    assert derive_state(released, PaymentFacts(ended=P.FAILED)) == released


class PaymentMachine(RuleBasedStateMachine):
    """The shop, a provider with books of its own, and facts that arrive late, twice or not in order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger: list[RefundUpdate] = []
        self.asked = 0
        self.captured_percent = 100
        self.is_lost = False
        self.payment = PaymentState(P.AUTHORIZED, TOTAL)
        self.history = [P.AUTHORIZED]
        self.books = ProviderPayment("x", "BDT", 0, 0, is_held=True)
        self.tasks: list[ProviderAction] = []
        self.ended = False
        self.heard = PaymentFacts()

    def _owe(self, owed: tuple[ProviderAction, ...]) -> None:
        self.tasks += [deed for deed in owed if deed.kind is ActionKind.REFUND or deed not in self.tasks]

    @rule()
    @precondition(lambda self: not self.ended)
    def accept(self) -> None:
        self._owe(capture_actions(self.payment))

    @rule()
    def end(self) -> None:
        self.ended = True
        after, owed = undo_payment(self.payment, CARD)
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
        known = self.heard
        match deed.kind:
            case ActionKind.CAPTURE if self.books.is_held and not refuses:
                part = deed.amount * self.captured_percent // 100
                self.books = replace(self.books, captured=part, is_held=False)
            case ActionKind.VOID if self.books.is_held:
                self.books = replace(self.books, is_held=False)
                known = replace(known, ended=P.VOIDED)
            case ActionKind.CAPTURE if not self.books.captured:
                known = replace(known, ended=P.FAILED)
            case ActionKind.REFUND if not refuses and self._gives_back(deed.amount):
                self.books = replace(self.books, refunded=self.books.refunded + deed.amount)
                self.asked += 1
                self.ledger.append(news(f"re_{self.asked}", R.PENDING, deed.amount))
            case _:
                pass
        self._hear(replace(known, captured=self.books.captured))

    @rule(percent=st.sampled_from([60, 100]))
    def the_bank_lets_go_of_a_part(self, percent: int) -> None:
        self.captured_percent = percent

    @rule(number=st.integers(1, 3), state=st.sampled_from(list(R)))
    def a_refund_goes_on(self, number: int, state: R) -> None:
        """In whatever order its provider tells, and again."""
        of_it = [kept for kept in self.ledger if kept.reference == f"re_{number}"]
        if not of_it or self.is_lost:
            return
        if state is R.FAILED and all(kept.state is not R.FAILED for kept in of_it):
            self.books = replace(self.books, refunded=self.books.refunded - of_it[0].amount)
        before = refund_sums(self.ledger).succeeded
        self.ledger.append(replace(of_it[0], state=state))
        came_back = max(0, before - refund_sums(self.ledger).succeeded)
        self._hear(replace(self.heard, captured=self.books.captured, came_back=came_back))

    def _gives_back(self, amount: int) -> bool:
        return not self.books.is_disputed and amount <= self.books.captured - self.books.refunded

    @rule(won=st.booleans())
    @precondition(lambda self: self.books.captured > self.books.refunded)
    def bank_disputes_or_decides(self, won: bool) -> None:
        is_open = not self.books.is_disputed
        self.books = replace(self.books, is_disputed=is_open)
        if not is_open and not won:
            self.books = replace(self.books, refunded=self.books.captured)
            self.is_lost = True
        known = replace(self.heard, captured=self.books.captured, is_disputed=is_open)
        self._hear(replace(known, is_lost=self.is_lost))

    @rule()
    def the_provider_repeats_itself(self) -> None:
        self._hear(self.heard)

    def _hear(self, known: PaymentFacts) -> None:
        sums = refund_sums(self.ledger)
        still = sum(deed.amount for deed in self.tasks if deed.kind is ActionKind.REFUND)
        known = replace(known, refunds=sums.succeeded, refunding=sums.pending + still)
        self.heard = replace(known, ended=None, came_back=0)
        after = derive_state(self.payment, known)
        if self.ended and all(kept.state is not R.FAILED for kept in self.ledger):
            after, owed = undo_payment(after, CARD)
            self._owe(owed)
        self._become(after)

    def _become(self, after: PaymentState) -> None:
        steps = transition_path(self.payment.status, after.status, in_full=after.captured == after.total)
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
            found = {difference.kind for difference in discrepancies(self.payment, "BDT", self.books)}
            assert not found & {MismatchKind.CAPTURED, MismatchKind.REFUNDED, MismatchKind.DISPUTED}


TestPaymentMachine = PaymentMachine.TestCase
