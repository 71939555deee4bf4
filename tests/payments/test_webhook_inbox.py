"""What a provider has told is kept, and has its effect once: early, unknown, in the way of others, or lost between."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, closing
from typing import Any

import httpx
import psycopg
import pytest

from ordercast.config import Settings
from ordercast.db import Store, payments
from ordercast.db.orders.placing import Placing
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.payments import Providers, providers_of
from ordercast.payments.webhook_inbox import LATELY_MS, RETRY_AFTER_S, WebhookInbox, WebhookWorker
from tests.api.client import STORE, Client, over, problem
from tests.api.stores import PromptStore
from tests.db.shop import new_order
from tests.waiting import until

from .all_providers import TOTAL, place, providers, settings
from .signed import (
    HTTP_PATH,
    SANDBOX_PATH,
    STRIPE_PATH,
    standard_headers,
    stripe_body,
    stripe_headers,
)

__all__ = ["providers", "settings"]


class Clock:
    def __init__(self) -> None:
        self.ms = time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(store: Store, providers: Providers, clock: Clock) -> WebhookInbox:
    return WebhookInbox(store, providers, clock)


def captured(event_id: str, reference: str) -> bytes:
    """Stripe says that all of it was captured."""
    about = {"id": reference, "object": "payment_intent", "amount_received": TOTAL, "currency": "bdt"}
    return stripe_body(event_id, "payment_intent.succeeded", **about)


async def send(http: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await http.post(STRIPE_PATH, content=body, headers=stripe_headers(body))


async def look(client: Client, order_id: str) -> tuple[str, int]:
    order = (await client.get(f"/api/orders/{order_id}", STORE)).json()
    return order["paymentStatus"], order["amountPaid"]


async def kept(client: Client, **query: str) -> list[dict[str, Any]]:
    response = await client.http.get("/api/payments/webhooks", params=query, headers=STORE)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def _fail(*_args: object) -> None:
    raise ZeroDivisionError


# --- What has no effect yet, or none at all ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", [STRIPE_PATH, HTTP_PATH, SANDBOX_PATH])
async def test_a_type_that_nobody_knows_is_answered_and_kept_with_what_it_said(client: Client, path: str) -> None:
    if path == STRIPE_PATH:
        body = b'{"id":"evt_new","object":"v2.core.event","type":"v2.money_management.thing","related_object":null}'
        headers = stripe_headers(body)
    else:
        body = b'{"type":"payment.blessed.\xe0\xa6\x95","timestamp":"2026-01-01T00:00:00Z"}'
        headers = standard_headers(body, "evt_new")
    for _ in range(3):
        response = await client.http.post(path, content=body, headers=headers)
        assert (response.status_code, response.json()) == (200, {"received": True})
    (webhook,) = await kept(client)
    assert (webhook["status"], webhook["eventId"], webhook["attempts"]) == ("ignored", "evt_new", 1)
    whole = (await client.get(f"/api/payments/webhooks/{webhook['id']}", STORE)).json()
    assert whole == {**webhook, "body": body.decode()}
    # Nobody knows it now either: it stays as it is.
    retried = (await client.post(f"/api/payments/webhooks/{webhook['id']}/retry", None, STORE)).json()
    assert (retried["status"], retried["body"]) == ("ignored", body.decode())


async def test_what_comes_before_its_order_has_its_effect_once_the_order_is_there(
    client: Client, store: Store, inbox: WebhookInbox
) -> None:
    for body in (captured("evt_1", "pi_early"), captured("evt_1", "pi_early"), captured("evt_2", "pi_other")):
        assert (await send(client.http, body)).json() == {"received": True}
    assert [each["status"] for each in await kept(client)] == ["waiting", "waiting"]
    assert await inbox.run_due() == 0

    order_id = await place(store, "pi_early")
    assert await look(client, order_id) == ("authorized", 0)
    assert await inbox.run_due() == 1

    assert await look(client, order_id) == ("paid", TOTAL)
    (applied,) = await kept(client, status="applied")
    assert (applied["eventId"], applied["orderId"], applied["problem"]) == ("evt_1", order_id, None)
    assert (await client.get(f"/api/payments/webhooks/{applied['id']}", STORE)).json()["body"] is None
    assert [each["eventId"] for each in await kept(client, status="waiting")] == ["evt_2"]
    await send(client.http, captured("evt_1", "pi_early"))
    assert len(await kept(client)) == 2


async def test_after_each_commit_what_came_lately_is_looked_for_and_now_and_then_all_of_it(
    client: Client, store: Store, inbox: WebhookInbox, clock: Clock
) -> None:
    await send(client.http, captured("evt_1", "pi_late"))
    order_id = await place(store, "pi_late")
    clock.ms += LATELY_MS + 60_000
    worker = WebhookWorker(store, inbox, clock)
    assert worker._since() == ""  # the first look is at all
    assert await inbox.run_due(worker._since()) == 0
    clock.ms += 60_000
    assert await inbox.run_due(worker._since()) == 1
    assert await look(client, order_id) == ("paid", TOTAL)


async def test_the_worker_is_woken_by_the_commit_of_the_order(
    client: Client, store: Store, inbox: WebhookInbox
) -> None:
    working = asyncio.create_task(WebhookWorker(store, inbox, lambda: time.time_ns() // 1_000_000).run())
    try:
        await send(client.http, captured("evt_1", "pi_awaited"))
        order_id = await place(store, "pi_awaited")
        await until(lambda: _is_paid(client, order_id))
    finally:
        working.cancel()
        await asyncio.wait([working])


async def _is_paid(client: Client, order_id: str) -> bool:
    return await look(client, order_id) == ("paid", TOTAL)


# --- Payments that were made elsewhere --------------------------------------------------------------------------------


def paid_elsewhere(event_id: str, order_id: str, **changes: Any) -> bytes:
    """Stripe's Checkout, of a session that another program made for the order."""
    about = {"payment_intent": "pi_else", "payment_status": "paid", "amount_total": TOTAL, "currency": "bdt"}
    about |= {"id": "cs_1", "metadata": {"orderId": order_id}}
    return stripe_body(event_id, "checkout.session.completed", **{**about, **changes})


async def test_a_payment_that_was_made_elsewhere_pays_for_what_it_names(
    client: Client, store: Store, inbox: WebhookInbox
) -> None:
    order = await client.place()
    assert (await send(client.http, captured("evt_0", "pi_else"))).status_code == 200  # it names nothing, and waits
    for _ in range(2):
        assert (await send(client.http, paid_elsewhere("evt_1", order["id"]))).status_code == 200
    assert await look(client, order["id"]) == ("paid", TOTAL)
    assert await inbox.run_due() == 1
    assert {each["status"] for each in await kept(client)} == {"applied"}
    shown = (await client.get(f"/api/orders/{order['id']}", STORE)).json()
    assert shown["paymentInfo"] == {"method": "card"}


async def test_one_that_comes_before_what_it_names_waits_for_it_and_one_too_many_is_for_people(
    client: Client, store: Store, inbox: WebhookInbox, clock: Clock
) -> None:
    new = new_order()
    await send(client.http, paid_elsewhere("evt_1", new.order_id))
    assert [each["status"] for each in await kept(client)] == ["waiting"]
    await store.write(Placing(new))
    assert await inbox.run_due() == 1
    assert await look(client, new.order_id) == ("paid", TOTAL)
    await send(client.http, paid_elsewhere("evt_2", new.order_id, payment_intent="pi_twice"))
    (webhook,) = await kept(client, status="due")
    assert "it cannot be paid for now" in webhook["problem"]
    for _ in RETRY_AFTER_S:
        clock.ms += max(RETRY_AFTER_S) * 1000
        await inbox.run_due()
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["kind"], card["orderId"], card["reference"]) == ("webhook_failed", new.order_id, "pi_twice")


async def test_a_sum_of_another_currency_pays_for_nothing(client: Client) -> None:
    order = await client.place()
    await send(client.http, paid_elsewhere("evt_1", order["id"], currency="eur"))
    assert await look(client, order["id"]) == ("unpaid", 0)
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert card["kind"] == "currency"


# --- Effects that fail ------------------------------------------------------------------------------------------------


async def test_an_effect_that_fails_is_answered_and_tried_again_until_it_is_there(
    client: Client, store: Store, inbox: WebhookInbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await place(store, "pi_1")
    monkeypatch.setattr(payments, "record", _fail)
    for _ in range(2):
        assert (await send(client.http, captured("evt_1", "pi_1"))).status_code == 200
    (webhook,) = await kept(client, status="due")
    assert webhook["problem"] == "It failed on our side (ZeroDivisionError); the log says why."
    for attempts, wait_s in enumerate(RETRY_AFTER_S[:3], 1):
        assert await inbox.run_due() == 0  # not before its time
        clock.ms += wait_s * 1000 + 1000
        assert await inbox.run_due() == 1
        assert (await kept(client))[0]["attempts"] == attempts + 1
    assert await look(client, order_id) == ("authorized", 0)

    monkeypatch.undo()
    clock.ms += RETRY_AFTER_S[3] * 1000
    assert await inbox.run_due() == 1

    assert await look(client, order_id) == ("paid", TOTAL)
    (webhook,) = await kept(client)
    assert (webhook["status"], webhook["problem"], webhook["nextAttemptAt"]) == ("applied", None, None)


async def test_one_that_was_tried_for_the_last_time_is_shown_and_can_be_tried_again_by_hand(
    client: Client, store: Store, inbox: WebhookInbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await place(store, "pi_1")
    monkeypatch.setattr(payments, "record", _fail)
    await send(client.http, captured("evt_1", "pi_1"))
    for _ in RETRY_AFTER_S:
        clock.ms += max(RETRY_AFTER_S) * 1000
        assert await inbox.run_due() == 1
    clock.ms += max(RETRY_AFTER_S) * 1000
    assert await inbox.run_due() == 0

    (webhook,) = await kept(client, status="failed")
    (card,) = (await client.get("/api/payment-mismatches", STORE)).json()["items"]
    assert (card["orderId"], card["kind"]) == (order_id, "webhook_failed")
    assert f"POST /api/payments/webhooks/{webhook['id']}/retry" in card["text"]
    told = (await client.get("/api/notifications", STORE)).json()["items"]
    (notification,) = [each for each in told if webhook["id"] in each["text"]]
    assert (notification["severity"], notification["orderId"]) == ("error", order_id)

    retry = f"/api/payments/webhooks/{webhook['id']}/retry"
    again = (await client.post(retry, None, STORE)).json()
    assert (again["status"], again["attempts"]) == ("due", 1)  # as a new one
    monkeypatch.undo()
    for _ in range(2):
        assert (await client.post(retry, None, STORE)).json()["status"] == "applied"
    assert await look(client, order_id) == ("paid", TOTAL)
    assert (await client.get("/api/payment-mismatches", STORE)).json()["items"] == []


async def test_a_webhook_that_there_is_not_is_not_found(client: Client) -> None:
    problem(await client.get("/api/payments/webhooks/pwh_none", STORE), 404, "not-found")
    problem(await client.post("/api/payments/webhooks/pwh_none/retry", None, STORE), 404, "not-found")
    problem(await client.get("/api/payments/webhooks?status=lost", STORE), 422, "invalid-field", "status")


async def test_an_order_that_another_program_holds_keeps_no_provider_waiting(
    settings: Settings, postgresql_store: PromptStore
) -> None:
    """The row is locked for longer than anybody waits; the message is answered, and its effect comes afterwards."""
    store, url = postgresql_store, postgresql_store._url
    order_id = await place(store, "pi_held")
    providers = providers_of(settings, store)
    inbox = WebhookInbox(store, providers, lambda: time.time_ns() // 1_000_000 + 60_000)
    async with over(settings, store, providers) as http:
        client = Client(http)
        with closing(psycopg.connect(url)) as other:
            other.execute(b"UPDATE orders SET updated_at = updated_at")
            assert (await send(http, captured("evt_1", "pi_held"))).status_code == 200
            (webhook,) = await kept(client)
            assert webhook["status"] == "due"
            assert "locked by another program" in webhook["problem"]
            assert await inbox.run_due() == 1  # and waits for nobody
            other.rollback()
        inbox = WebhookInbox(store, providers, lambda: time.time_ns() // 1_000_000 + 3_600_000)
        assert await inbox.run_due() == 1
        assert await look(client, order_id) == ("paid", TOTAL)
    await providers.close()


# --- Once -------------------------------------------------------------------------------------------------------------


async def test_one_event_delivered_a_hundred_times_at_once_has_one_effect(client: Client, store: Store) -> None:
    order_id = await place(store, "pi_1")
    await send(client.http, captured("evt_0", "pi_1"))
    about = {"id": "re_1", "amount": 400, "currency": "bdt", "payment_intent": "pi_1", "status": "succeeded"}
    body = stripe_body("evt_1", "refund.created", **about)
    answers = await asyncio.gather(*(send(client.http, body) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    await _refunded_once(client, order_id)


async def _refunded_once(client: Client, order_id: str) -> None:
    order = (await client.get(f"/api/orders/{order_id}", STORE)).json()
    assert (order["paymentStatus"], order["amountRefunded"]) == ("partially_refunded", 400)
    history = (await client.get(f"/api/orders/{order_id}/history", STORE)).json()["items"]
    assert [move["toPaymentStatus"] for move in history] == ["authorized", "paid", "partially_refunded"]
    assert len(await kept(client)) == 2


async def test_of_two_nodes_that_are_told_at_once_one_takes_it_in(
    settings: Settings, postgresql_store: PromptStore
) -> None:
    other = PostgresqlStore(postgresql_store._url)
    await other.start()
    async with AsyncExitStack() as stack:
        clients: list[Client] = []
        for node in (postgresql_store, other):
            made = providers_of(settings, node)
            clients.append(Client(await stack.enter_async_context(over(settings, node, made))))
            stack.push_async_callback(made.close)
        order_id = await place(postgresql_store, "pi_1")
        await send(clients[0].http, captured("evt_0", "pi_1"))
        about = {"id": "re_1", "amount": 400, "currency": "bdt", "payment_intent": "pi_1", "status": "succeeded"}
        body = stripe_body("evt_1", "refund.created", **about)
        answers = await asyncio.gather(*(send(clients[n % 2].http, body) for n in range(100)))
        assert {answer.status_code for answer in answers} == {200}
        # Where the one was in the other's way, it was kept, and is the other's already.
        await WebhookInbox(postgresql_store, made, lambda: time.time_ns() // 1_000_000 + 3_600_000).run_due()
        await _refunded_once(clients[0], order_id)
    await other.close()
