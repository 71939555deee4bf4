"""What providers tell, in whatever order and however often, leads to the same end; and the ledger adds up to it."""

from __future__ import annotations

import itertools
import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce.errors import GuardRefused
from ordercast.commerce.money import Money
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.payment_flow import PAYMENT_TRANSITIONS
from ordercast.commerce.payments import (
    Captured,
    DisputeClosed,
    DisputeOpened,
    Fact,
    Failed,
    PaymentAction,
    PaymentTaken,
    ProviderEvent,
    ProviderPayment,
    Refunded,
    RefundFailed,
    RefundPending,
    Voided,
)
from ordercast.commerce.states import PaymentMethod, PaymentStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import SqliteStore, payment_tasks
from ordercast.db.dialects import SQLITE
from ordercast.db.orders.placing import Placing
from ordercast.db.payables import PAYMENTS
from ordercast.db.payment_webhooks import WebhookState, receive
from ordercast.db.payments import adopt, apply_lookup, complete_task, owing, pay
from ordercast.db.reconciliation import to_compare
from tests.chance import examples

from .shop import ask, move, new_order, now

_numbers = itertools.count(1)


async def place_held(store: SqliteStore) -> tuple[str, str, int]:
    """An order whose payment a provider holds: its id, the provider's name for the payment, and its total."""
    new = new_order()
    reference = f"pay_{next(_numbers)}"
    info = PaymentInfo(PaymentMethod.CARD)
    payment = PaymentTaken(PaymentStatus.AUTHORIZED, info, Money(11_250, "BDT"), "sandbox", reference)
    await store.write(Placing(replace(new, payment=payment)))
    return new.order_id, reference, 11_250


async def told(store: SqliteStore, reference: str, event_id: str, fact: Fact) -> WebhookState | None:
    event = ProviderEvent(event_id, type(fact).__name__, reference, fact)
    return await store.write(partial(receive, provider="sandbox", event=event, body=b"{}", now=now()))


FACTS: dict[str, Captured | Refunded | RefundPending | RefundFailed | DisputeOpened | DisputeClosed] = {
    "captured": Captured(11_250),
    "refund a": Refunded("re_a", 1_000),
    "refund b": Refunded("re_b", 2_000),
    "refund b pending": RefundPending("re_b", 2_000),
    "refund c": Refunded("re_c", 4_000),
    "refund c failed": RefundFailed("re_c"),
    "refund d pending": RefundPending("re_d", 500),
    "refund e cancelled": RefundFailed("re_e", 600),
    "opened": DisputeOpened("dp"),
    "won": DisputeClosed("dp", won=True),
}


def fact_of(name: str, order_id: str) -> Fact:
    """With a name of its own, as a provider gives: no two refunds or disputes share one."""
    fact = FACTS[name]
    return fact if isinstance(fact, Captured) else replace(fact, reference=f"{fact.reference}_{order_id}")


@examples(60, one_fixture_for_all=True)
@given(st.permutations(sorted(FACTS)), st.lists(st.sampled_from(sorted(FACTS)), max_size=9), st.booleans())
async def test_events_in_any_order_and_any_number_lead_to_one_end(
    store: SqliteStore, order: list[str], again: list[str], other_event: bool
) -> None:
    order_id, reference, total = await place_held(store)
    for name in order:
        assert await told(store, reference, f"{order_id} {name}", fact_of(name, order_id)) is WebhookState.APPLIED
    for number, name in enumerate(again):
        # The same delivery again, or the same news in another event.
        event_id = f"{order_id} {number}" if other_event else f"{order_id} {name}"
        await told(store, reference, event_id, fact_of(name, order_id))
    (row,) = await ask(
        store, "SELECT payment_status, captured, refunded, refunding FROM orders WHERE id = :id", id=order_id
    )
    assert row == ("partially_refunded", total, 3_000, 500)
    assert await ask(
        store, "SELECT kind, sum(amount) FROM payments WHERE payable_id = :id GROUP BY kind", id=order_id
    ) == [("authorized", total), ("captured", total)]
    moves = await ask(
        store,
        "SELECT from_payment_status, to_payment_status FROM order_history WHERE order_id = :id ORDER BY entry",
        id=order_id,
    )
    for before, after in moves[1:]:
        assert before == after or PaymentStatus(after) in PAYMENT_TRANSITIONS[PaymentStatus(before)]


async def money(store: SqliteStore, order_id: str) -> tuple[object, ...]:
    """The payment's status, and what was captured, refunded and is promised back."""
    (row,) = await ask(
        store, "SELECT payment_status, captured, refunded, refunding FROM orders WHERE id = :id", id=order_id
    )
    return row


async def test_what_came_back_can_be_given_back_again(store: SqliteStore) -> None:
    order_id, reference, total = await place_held(store)
    await told(store, reference, "a", Captured(total))
    await told(store, reference, "b", Refunded(f"re_{order_id}", 4_000))
    assert await money(store, order_id) == ("partially_refunded", total, 4_000, 0)
    await told(store, reference, "c", RefundFailed(f"re_{order_id}", 4_000))
    assert await money(store, order_id) == ("paid", total, 0, 0)
    await move(store, order_id, "cancelled")
    assert await money(store, order_id) == ("paid", total, 0, total)
    cards = await ask(store, "SELECT kind, ours FROM payment_mismatches WHERE payable_id = :id", id=order_id)
    assert cards == [("refund_failed", "4000")]


async def test_a_refund_that_came_back_is_not_asked_for_again_by_itself(store: SqliteStore) -> None:
    order_id, reference, total = await place_held(store)
    await told(store, reference, "a", Captured(total))
    await move(store, order_id, "cancelled")
    (task,) = await store.read(lambda transaction: payment_tasks.due(transaction, now()))
    pending = RefundPending(f"re_{order_id}", total, task.id)
    await store.write(partial(complete_task, task=task, fact=pending, now=now()))
    assert await money(store, order_id) == ("paid", total, 0, total)
    # The provider does not say whose refund it was, and tells of it again and again.
    for event_id in ("b", "c"):
        await told(store, reference, event_id, RefundFailed(pending.reference))
    await told(store, reference, "d", Captured(total))
    assert await money(store, order_id) == ("paid", total, 0, 0)
    assert await store.read(lambda transaction: owing(transaction, 10)) == []
    assert await ask(store, "SELECT id, state FROM payment_tasks") == [(task.id, "refused")]


async def test_a_failure_heard_before_our_own_answer_ends_the_refund_all_the_same(store: SqliteStore) -> None:
    order_id, reference, total = await place_held(store)
    await told(store, reference, "a", Captured(total))
    await move(store, order_id, "cancelled")
    (task,) = await store.read(lambda transaction: payment_tasks.due(transaction, now()))
    await told(store, reference, "b", RefundFailed(f"re_{order_id}", total, task.id))
    for fact in (RefundPending(f"re_{order_id}", total, task.id), Refunded(f"re_{order_id}", total, task.id)):
        await store.write(partial(complete_task, task=task, fact=fact, now=now()))
    assert await money(store, order_id) == ("paid", total, 0, 0)
    assert await ask(store, "SELECT id, state FROM payment_tasks") == [(task.id, "refused")]


async def test_a_provider_may_number_refunds_and_disputes_anew_for_each_payment(store: SqliteStore) -> None:
    for number in range(2):
        order_id, reference, total = await place_held(store)
        await told(store, reference, f"a{number}", Captured(total))
        await told(store, reference, f"b{number}", Refunded("1", 4_000))
        assert await money(store, order_id) == ("partially_refunded", total, 4_000, 0)
        await told(store, reference, f"c{number}", DisputeOpened("1"))
        assert await money(store, order_id) == ("disputed", total, 4_000, 0)
        await told(store, reference, f"d{number}", DisputeClosed("1", won=False))
        assert await money(store, order_id) == ("refunded", total, total, 0)


async def test_a_refund_closes_no_task_of_another_order(store: SqliteStore) -> None:
    order_id, reference, total = await place_held(store)
    await told(store, reference, "a", Captured(total))
    await move(store, order_id, "cancelled")
    _, other, _ = await place_held(store)
    await told(store, other, "b", Captured(total))
    await told(store, other, "c", Refunded("re_other", 5, f"{order_id}:refund:1"))
    assert await ask(store, "SELECT state FROM payment_tasks") == [("due",)]


async def test_what_was_captured_in_part_is_not_paid_and_can_be_given_back(store: SqliteStore) -> None:
    order_id, reference, total = await place_held(store)
    await told(store, reference, "a", Captured(6_000))
    assert await money(store, order_id) == ("failed", 6_000, 0, 0)
    cards = await ask(store, "SELECT kind, ours, theirs FROM payment_mismatches WHERE resolved_at IS NULL")
    assert cards == [("paid_in_part", str(total), "6000")]
    with pytest.raises(GuardRefused):
        await move(store, order_id, "processing")
    await move(store, order_id, "cancelled")
    assert await money(store, order_id) == ("failed", 6_000, 0, 6_000)
    await told(store, reference, "b", Refunded(f"re_{order_id}", 6_000, f"{order_id}:refund:1"))
    assert await money(store, order_id) == ("refunded", 6_000, 6_000, 0)
    statuses = await ask(store, "SELECT to_payment_status FROM order_history WHERE order_id = :id", id=order_id)
    assert "paid" not in {status for (status,) in statuses}


async def test_the_card_of_a_part_is_gone_once_all_was_captured(store: SqliteStore) -> None:
    order_id, reference, total = await place_held(store)
    for event_id, amount in (("a", 6_000), ("b", total), ("c", 6_000)):
        await told(store, reference, event_id, Captured(amount))
    assert await money(store, order_id) == ("paid", total, 0, 0)
    assert await ask(store, "SELECT kind FROM payment_mismatches WHERE resolved_at IS NULL") == []


async def test_what_another_program_ends_after_a_part_was_captured_owes_that_part(store: SqliteStore) -> None:
    order_id, reference, _ = await place_held(store)
    await told(store, reference, "a", Captured(6_000))
    await store.write(lambda transaction: transaction.run("UPDATE orders SET status = 'cancelled'"))
    assert await store.read(lambda transaction: owing(transaction, 10)) == [order_id]
    await store.write(partial(adopt, payable_id=order_id, now=now()))
    assert await ask(store, "SELECT kind, amount FROM payment_tasks") == [("refund", 6_000)]
    assert await store.read(lambda transaction: owing(transaction, 10)) == []


async def test_a_capture_heard_after_the_order_was_cancelled_is_given_back(store: SqliteStore) -> None:
    order_id, reference, total = await place_held(store)
    await move(store, order_id, "cancelled")
    await told(store, reference, "evt", Captured(total))
    (row,) = await ask(store, "SELECT payment_status, captured, refunding FROM orders WHERE id = :id", id=order_id)
    assert row == ("paid", total, total)
    tasks = await ask(
        store, "SELECT kind, amount FROM payment_tasks WHERE payable_id = :id ORDER BY entry", id=order_id
    )
    assert tasks == [("void", 0), ("refund", total)]


async def place_to_confirm(store: SqliteStore) -> tuple[str, str, int]:
    """An order whose customer is at their bank: as `place_held` answers."""
    new, reference = new_order(), f"pay_{next(_numbers)}"
    payment = PaymentTaken(
        PaymentStatus.UNPAID,
        PaymentInfo(PaymentMethod.CARD),
        Money(11_250, "BDT"),
        "sandbox",
        reference,
        action=PaymentAction("/bank"),
    )
    await store.write(Placing(replace(new, payment=payment)))
    return new.order_id, reference, 11_250


async def test_what_is_paid_at_the_bank_as_the_order_ends_is_given_back_once(store: SqliteStore) -> None:
    order_id, reference, total = await place_to_confirm(store)
    await move(store, order_id, "cancelled")
    (task,) = await store.read(lambda transaction: payment_tasks.due(transaction, now()))
    await store.write(partial(complete_task, task=task, fact=Captured(total), now=now()))
    for event_id in ("a", "b"):
        await told(store, reference, event_id, Captured(total))
    found = "SELECT kind, reference, amount, currency FROM payment_tasks WHERE state = 'due'"
    assert await ask(store, found) == [("abandon", reference, total, "BDT")]
    await told(store, reference, "c", Refunded(f"re_{order_id}", total))
    assert await money(store, order_id) == ("voided", 0, 0, 0)
    assert await ask(store, found) == [("abandon", reference, total, "BDT")]


async def test_what_is_paid_at_the_bank_at_once_is_compared_with_the_providers_books(store: SqliteStore) -> None:
    _, reference, total = await place_to_confirm(store)
    await told(store, reference, "a", Captured(total))
    compared = await store.read(lambda transaction: to_compare(transaction, (Timestamp(""), 0), 10))
    assert [each.reference for each in compared] == [reference]


@pytest.mark.parametrize("books", [(11_250, False), (0, True)])
async def test_a_payment_that_is_found_in_another_currency_is_not_the_orders(
    store: SqliteStore, books: tuple[int, bool]
) -> None:
    order_id, reference, _ = await place_to_confirm(store)
    captured, is_held = books
    theirs = ProviderPayment(reference, "JPY", captured, 0, is_held)
    await store.write(partial(apply_lookup, payable_id=order_id, provider="sandbox", theirs=theirs, now=now()))
    assert await money(store, order_id) == ("unpaid", 0, 0, 0)
    assert await ask(store, "SELECT kind, ours, theirs FROM payment_mismatches") == [("currency", '"BDT"', '"JPY"')]


async def test_a_dispute_won_after_the_order_was_cancelled_leaves_the_money_to_be_given_back(
    store: SqliteStore,
) -> None:
    order_id, reference, total = await place_held(store)
    await told(store, reference, "a", Captured(total))
    await told(store, reference, "b", DisputeOpened("dp_1"))
    await move(store, order_id, "cancelled")
    assert await ask(store, "SELECT * FROM payment_tasks WHERE payable_id = :id", id=order_id) == []
    await told(store, reference, "c", DisputeClosed("dp_1", won=True))
    assert await ask(store, "SELECT kind, amount FROM payment_tasks WHERE payable_id = :id", id=order_id) == [
        ("refund", total)
    ]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM payments", "only ever added to"),
        ("UPDATE payments SET amount = 0", "only ever added to"),
        ("DELETE FROM refunds", "only ever added to"),
        ("UPDATE refunds SET amount = 0", "only ever added to"),
        ("UPDATE orders SET refunded = 1", "refunded_within_captured"),
        ("UPDATE orders SET refunding = 1", "refunded_within_captured"),
        ("UPDATE orders SET captured = total + 1", "captured_within_total"),
        ("UPDATE orders SET captured = -1", "captured_not_negative"),
    ],
)
async def test_the_database_itself_refuses_sums_that_cannot_be(
    store: SqliteStore, path: Path, statement: str, sentence: str
) -> None:
    order_id, reference, _ = await place_held(store)
    await told(store, reference, "evt", Refunded("re", 11_250))
    other = await place_held(store)
    assert other[0] != order_id
    with sqlite3.connect(path) as outside, pytest.raises(sqlite3.IntegrityError, match=sentence):
        outside.execute(statement)
    outside.close()


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("ORDERS_OWING", "orders_owing"),
        ("BOOKINGS_OWING", "bookings_owing"),
        ("DUE", "payment_tasks_due"),
        ("NEXT_DUE", "payment_tasks_due"),
    ],
)
async def test_looking_for_work_reads_an_index_alone(store: SqliteStore, statement: str, index: str) -> None:
    """It is done after every commit."""
    question = f"EXPLAIN QUERY PLAN {payment_tasks.NOUN.statements[statement].texts[SQLITE]}"
    plan = " ".join(row[3] for row in await ask(store, question, limit=1, now="2026"))
    assert index in plan
    assert "SCAN payment_tasks " not in f"{plan} ".replace(f"SCAN payment_tasks USING INDEX {index}", "")


async def test_facts_of_a_payment_that_another_has_followed_change_the_order_no_more(store: SqliteStore) -> None:
    order_id, former, total = await place_held(store)
    await told(store, former, "a", Failed())
    taken = PaymentTaken(
        PaymentStatus.AUTHORIZED, PaymentInfo(PaymentMethod.CARD), Money(total, "BDT"), "sandbox", f"{former}_again"
    )
    await store.write(partial(pay, payable_id=order_id, taken=taken, actor=PAYMENTS, now=now()))
    assert await money(store, order_id) == ("authorized", 0, 0, 0)
    for event_id, fact in (("b", Voided()), ("c", Failed()), ("d", Captured(total)), ("e", Refunded("re_f", 5))):
        await told(store, former, event_id, fact)
        assert await money(store, order_id) == ("authorized", 0, 0, 0)
    cards = await ask(store, "SELECT kind, reference FROM payment_mismatches WHERE payable_id = :id", id=order_id)
    assert cards == [("impossible_move", former)]
    await told(store, f"{former}_again", "f", Captured(total))
    assert await money(store, order_id) == ("paid", total, 0, 0)
    compared = await store.read(lambda transaction: to_compare(transaction, (Timestamp(""), 0), 10))
    # What failed is to be let go of still, and what was captured of it to be given back.
    assert compared == []
    due = await ask(store, "SELECT id, kind, reference, amount FROM payment_tasks WHERE state = 'due' ORDER BY entry")
    assert [row[1:] for row in due] == [("void", former, 0), ("abandon", former, total)]
    for task_id, *_ in due:
        await store.write(partial(payment_tasks.finish, task_id=task_id))
    compared = await store.read(lambda transaction: to_compare(transaction, (Timestamp(""), 0), 10))
    assert [each.reference for each in compared] == [f"{former}_again"]
