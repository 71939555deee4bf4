"""What is owed to a provider, from the change that owes it to the provider's books, over every accident between."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from typing import Any

import pytest

from ordercast.commerce.errors import ProviderUnavailable
from ordercast.commerce.money import Money
from ordercast.commerce.payments import Captured, CardToken, Charge, PaymentTaken, Refunded
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import SqliteStore
from ordercast.db import payment_tasks as tasks
from ordercast.db import payments as units
from ordercast.payments import Providers
from ordercast.payments.jobs import apply_sandbox_event
from ordercast.payments.payment_worker import BACKOFF_S, RETRY_FOR_MS_MAX, PaymentWorker
from ordercast.payments.providers.sandbox import SandboxProvider
from ordercast.payments.reconciler import Reconciler
from tests.api.client import STORE, Client, problem
from tests.api.conftest import Settle
from tests.commerce.orders import request_json

TOTAL = 11_250


def by(token: str) -> dict[str, Any]:
    return {"paymentInfo": {"method": "card", "token": token}}


async def now_is(client: Client, order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    return found


def money(order: dict[str, Any]) -> tuple[str, int, int, int]:
    return order["paymentStatus"], order["amountPaid"], order["amountRefunded"], order["amountRefunding"]


async def rows(store: SqliteStore, question: str, **values: Any) -> list[tuple[Any, ...]]:
    return await store.read(lambda transaction: transaction.all(question, **values))


async def books(store: SqliteStore) -> list[tuple[int, int, int]]:
    """What the sandbox has captured, given back and holds."""
    found = await rows(store, "SELECT captured, refunded, held FROM sandbox_payments ORDER BY key")
    return [(captured, refunded, held) for captured, refunded, held in found]


async def test_what_is_held_is_captured_when_the_shop_accepts_the_order(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    order = await client.place(**by("tok_authorize_only"))
    assert money(order) == ("authorized", 0, 0, 0)
    order = (await client.move(order, "processing")).json()
    assert money(order) == ("authorized", 0, 0, 0)  # the provider has not been asked yet

    assert await settle() == 1

    assert money(await now_is(client, order)) == ("paid", TOTAL, 0, 0)
    assert await books(store) == [(TOTAL, 0, 0)]
    assert await settle() == 0
    history = (await client.get(f"/api/orders/{order['id']}/history", STORE)).json()["items"]
    assert [(e["toStatus"], e["toPaymentStatus"], e["actor"]) for e in history][1:] == [
        ("processing", "authorized", "store:usr_1"),
        ("processing", "paid", "service:payments"),
    ]


@pytest.mark.parametrize(
    ("token", "ends", "kept"),
    [("tok_visa", "refunded", (TOTAL, TOTAL, 0)), ("tok_authorize_only", "voided", (0, 0, 0))],
)
async def test_a_cancelled_order_gives_back_what_its_provider_took(
    client: Client, store: SqliteStore, settle: Settle, *, token: str, ends: str, kept: tuple[int, int, int]
) -> None:
    order = await client.place(**by(token))
    cancelled = (await client.move(order, "cancelled", reason="sold out")).json()
    assert cancelled["paymentStatus"] == order["paymentStatus"]  # nothing is claimed before the provider has done it
    await settle()
    assert (await now_is(client, order))["paymentStatus"] == ends
    assert await books(store) == [kept]


async def test_a_cancellation_right_behind_the_acceptance_is_captured_and_given_back_in_turn(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    order = await client.place(**by("tok_authorize_only"))
    order = (await client.move(order, "processing")).json()
    await client.move(order, "cancelled", reason="sold out")
    await settle()
    assert money(await now_is(client, order)) == ("refunded", TOTAL, TOTAL, 0)
    assert await books(store) == [(TOTAL, TOTAL, 0)]


async def test_a_provider_that_does_not_answer_is_asked_again_with_the_same_key(
    client: Client, store: SqliteStore, providers: Providers
) -> None:
    clock_ms = [time.time_ns() // 1_000_000 + 60_000]
    worker = PaymentWorker(store, providers, lambda: clock_ms[0])
    order = await client.place(**by("tok_flaky"))
    await client.move(order, "processing")

    assert await worker.run_due() == 1
    assert (await now_is(client, order))["paymentStatus"] == "authorized"
    assert await worker.run_due() == 0  # not before its time
    clock_ms[0] += BACKOFF_S[0] * 1000
    assert await worker.run_due() == 1

    assert (await now_is(client, order))["paymentStatus"] == "paid"
    assert await books(store) == [(TOTAL, 0, 0)]


async def test_a_capture_that_is_refused_fails_the_payment_and_raises_a_card(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    order = await client.place(**by("tok_capture_fails"))
    await client.move(order, "processing")
    await settle()
    order = await now_is(client, order)
    assert order["paymentStatus"] == "failed"
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["orderId"], card["kind"]) == (order["id"], "task_refused")
    assert "The bank did not release the money." in card["text"]

    await client.move(order, "cancelled", reason="not paid")
    await settle()
    assert (await now_is(client, order))["paymentStatus"] == "voided"
    assert await books(store) == [(0, 0, 0)]


async def test_a_refund_that_is_refused_is_promised_no_longer_and_raises_a_card(client: Client, settle: Settle) -> None:
    order = await client.place(**by("tok_refund_fails"))
    await client.move(order, "cancelled", reason="sold out")
    await settle()
    assert money(await now_is(client, order)) == ("paid", TOTAL, 0, 0)
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert card["kind"] == "task_refused"
    assert await settle() == 0  # and nobody goes on asking


async def test_a_refund_under_way_is_not_given_back_yet_and_then_is(
    client: Client, store: SqliteStore, providers: Providers, settle: Settle
) -> None:
    order = await client.place(**by("tok_refund_pending"))
    order = (await client.post(f"/api/orders/{order['id']}/refund", _refund(order, 4_000), STORE)).json()
    await settle()
    assert money(await now_is(client, order)) == ("paid", TOTAL, 0, 4_000)
    assert (
        await Reconciler(store, providers).reconcile() == 0
    )  # the provider counts it already, and that is no difference
    await _deliver(providers)
    assert money(await now_is(client, order)) == ("partially_refunded", TOTAL, 4_000, 0)


async def test_a_refund_that_comes_back_raises_a_card_and_can_be_asked_for_again(
    client: Client, store: SqliteStore, providers: Providers, settle: Settle
) -> None:
    order = await client.place(**by("tok_refund_returns"))
    order = (await client.move(order, "cancelled", reason="sold out")).json()
    await settle()
    assert money(await now_is(client, order)) == ("paid", TOTAL, 0, TOTAL)
    await _deliver(providers)
    order = await now_is(client, order)
    assert money(order) == ("paid", TOTAL, 0, 0)
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["orderId"], card["kind"], card["ours"]) == (order["id"], "refund_failed", TOTAL)
    assert await books(store) == [(TOTAL, 0, 0)]
    assert await Reconciler(store, providers).reconcile() == 0
    assert await settle() == 0  # nobody goes on asking by themselves

    again = await client.post(f"/api/orders/{order['id']}/refund", _refund(order, None), STORE)
    assert money(again.json()) == ("paid", TOTAL, 0, TOTAL)
    assert await settle() == 1


async def test_a_part_that_the_bank_lets_go_of_is_no_payment_and_is_given_back(
    client: Client, store: SqliteStore, providers: Providers, settle: Settle
) -> None:
    order = await client.place(**by("tok_captured_in_part"))
    await client.move(order, "processing")
    await settle()
    order = await now_is(client, order)
    assert money(order) == ("failed", 6_750, 0, 0)
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["kind"], card["ours"], card["theirs"]) == ("paid_in_part", TOTAL, 6_750)
    assert "BDT 67.50" in card["text"]
    assert "BDT 112.50" in card["text"]
    assert await Reconciler(store, providers).reconcile() == 0
    part = await client.post(f"/api/orders/{order['id']}/refund", _refund(order, 750), STORE)
    assert money(part.json()) == ("failed", 6_750, 0, 750)
    await settle()
    order = await now_is(client, order)
    await client.move(order, "cancelled", reason="not paid")
    await settle()
    assert money(await now_is(client, order)) == ("refunded", 6_750, 6_750, 0)
    assert await books(store) == [(6_750, 6_750, 0)]


def _refund(order: dict[str, Any], amount: int | None) -> dict[str, Any]:
    return {"reason": "sorry", "version": order["version"]} | ({} if amount is None else {"amount": amount})


async def _deliver(providers: Providers) -> None:
    """Let the sandbox tell what is to come."""
    sandbox = providers.by_name["sandbox"]
    assert isinstance(sandbox, SandboxProvider)
    sandbox._now_ms = lambda: time.time_ns() // 1_000_000 + 60_000
    await sandbox.deliver_webhooks(apply_sandbox_event)


async def test_what_another_program_cancels_is_given_back_too(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    paid, held = await client.place(**by("tok_visa")), await client.place(**by("tok_authorize_only"))
    with sqlite3.connect(store.path) as outside:
        outside.execute("UPDATE orders SET status = 'cancelled'")
    outside.close()
    await settle()
    assert money(await now_is(client, paid)) == ("refunded", TOTAL, TOTAL, 0)
    assert (await now_is(client, held))["paymentStatus"] == "voided"
    assert await settle() == 0


async def test_an_order_that_no_provider_of_ours_was_paid_for_asks_somebody_to_see_to_it(
    client: Client, store: SqliteStore, settle: Settle
) -> None:
    with sqlite3.connect(store.path) as outside:
        outside.execute(
            "INSERT INTO orders (id, total, captured, payment_status, payment_info)"
            " VALUES ('ord_other', 500, 500, 'paid', '{\"method\":\"card\"}')"
        )
        outside.execute("UPDATE orders SET status = 'cancelled' WHERE id = 'ord_other'")
    outside.close()
    await settle()
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["orderId"], card["kind"]) == ("ord_other", "task_refused")


# --- Accidents --------------------------------------------------------------------------------------------------------


async def test_a_crash_between_the_refund_and_its_record_refunds_once(
    client: Client, store: SqliteStore, providers: Providers, settle: Settle
) -> None:
    order = await client.place(**by("tok_visa"))
    await client.move(order, "cancelled", reason="sold out")
    (task,) = await store.read(lambda transaction: tasks.due(transaction, _far()))
    # The provider does it, and then this process dies: nothing of it is written down.
    await providers.current.refund(task.reference, task.amount, task.id)

    await settle()

    assert await books(store) == [(TOTAL, TOTAL, 0)]
    assert money(await now_is(client, order)) == ("refunded", TOTAL, TOTAL, 0)


async def test_two_nodes_that_carry_out_the_same_task_record_it_once(
    client: Client, store: SqliteStore, providers: Providers
) -> None:
    order = await client.place(**by("tok_visa"))
    await client.move(order, "cancelled", reason="sold out")
    (task,) = await store.read(lambda transaction: tasks.due(transaction, _far()))
    for _ in range(2):
        fact = await providers.current.refund(task.reference, task.amount, task.id)
        await store.write(partial(units.complete_task, task=task, fact=fact, now=_far()))
    assert money(await now_is(client, order)) == ("refunded", TOTAL, TOTAL, 0)
    assert await rows(store, "SELECT amount FROM refunds") == [(TOTAL,)]


async def test_a_payment_whose_order_was_never_placed_is_given_back_after_a_while(
    store: SqliteStore, providers: Providers
) -> None:
    """The process died between the provider's answer and the commit of the order."""
    clock_ms = [1_900_000_000_000]
    worker = PaymentWorker(store, providers, lambda: clock_ms[0])
    amount = Money(TOTAL, "BDT")
    now, later = timestamp(clock_ms[0]), timestamp(clock_ms[0] + 300_000)
    for key, token in (("ord_a", "tok_visa"), ("ord_b", "tok_authorize_only"), ("ord_c", None)):
        promise = partial(tasks.promise, key=key, payable_id=key, provider="sandbox", amount=amount)
        await store.write(partial(promise, due_at=later, now=now))
        if token is not None:
            await providers.current.authorize(Charge(key, key, amount, CardToken(token)))
    assert await worker.run_due() == 0

    clock_ms[0] += 301_000
    assert await worker.run_due() == 3

    assert await books(store) == [(TOTAL, TOTAL, 0), (0, 0, 0)]
    assert await rows(store, "SELECT count(*) FROM orders") == [(0,)]


async def test_an_order_that_comes_too_late_for_its_payment_is_not_placed(
    client: Client, store: SqliteStore, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = providers.current
    authorize = sandbox.authorize

    async def slowly(charge: Charge) -> PaymentTaken:
        """So slowly that the payment is being given back by the time it is answered."""
        taken = await authorize(charge)
        worker = PaymentWorker(store, providers, lambda: 4_000_000_000_000)
        await worker.run_due()
        return taken

    monkeypatch.setattr(sandbox, "authorize", slowly)
    response = await client.post("/api/orders", request_json(**by("tok_visa")))
    problem(response, 503, "payment-provider-unavailable")
    assert await books(store) == [(TOTAL, TOTAL, 0)]
    assert await rows(store, "SELECT count(*) FROM orders") == [(0,)]


async def test_a_provider_silent_for_most_of_a_day_is_asked_no_more(
    client: Client, store: SqliteStore, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory of our keys ends: asked with one again, it could refund a second time."""
    clock_ms = [1_900_000_000_000]
    worker = PaymentWorker(store, providers, lambda: clock_ms[0])
    asked: list[str] = []

    async def silent(reference: str, amount: Money, key: str) -> Refunded:
        asked.append(key)
        raise ProviderUnavailable

    monkeypatch.setattr(providers.current, "refund", silent)
    order = await client.place(**by("tok_visa"))
    await client.move(order, "cancelled", reason="sold out")
    created = (await store.read(lambda transaction: tasks.due(transaction, _far())))[0].created_at
    assert created < "2030"
    await store.write(
        lambda transaction: transaction.run("UPDATE payment_tasks SET created_at = '2030-03-17T17:46:40.000Z'")
    )
    for _ in range(200):
        clock_ms[0] += BACKOFF_S[-1] * 1000
        await worker.run_due()
    assert len(set(asked)) == 1
    assert len(asked) <= RETRY_FOR_MS_MAX // (BACKOFF_S[-1] * 1000) + 2
    assert money(await now_is(client, order)) == ("paid", TOTAL, 0, 0)
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert "did not answer for too long" in card["text"]


async def test_a_fault_of_our_own_postpones_one_task_and_holds_up_no_other(
    client: Client, store: SqliteStore, providers: Providers, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    sandbox, broken = providers.current, await client.place(**by("tok_authorize_only"))
    assert isinstance(sandbox, SandboxProvider)
    capture = sandbox.capture

    async def breaks(reference: str, amount: Money, key: str) -> Captured:
        if key.startswith(broken["id"]):
            raise LookupError
        return await capture(reference, amount, key)

    monkeypatch.setattr(sandbox, "capture", breaks)
    fine = await client.place(**by("tok_authorize_only"))
    for order in (broken, fine):
        await client.move(order, "processing")
    assert await PaymentWorker(store, providers).run_due() == 2
    assert (await now_is(client, broken))["paymentStatus"] == "authorized"
    assert (await now_is(client, fine))["paymentStatus"] == "paid"
    assert "it is retried" in caplog.text


def _far() -> Timestamp:
    return timestamp(4_000_000_000_000)
