"""What endpoints are sent, in which order, how often, and until when."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import WebhookVerificationError

from ordercast.checking import check_webhooks
from ordercast.commerce.timestamps import timestamp
from ordercast.commerce.webhook_endpoints import ATTEMPTS_MAX, RETRY_AFTER_S, rotated
from ordercast.db import StoreError, Transaction
from ordercast.db.webhooks import deliveries, endpoints
from ordercast.webhooks import SecretBox, forget_deliveries
from ordercast.webhooks.delivery_worker import IN_FLIGHT_MAX, reseal
from ordercast.webhooks.feed_follower import follow
from ordercast.webhooks.secret_box import new_secret
from tests.waiting import until

from .receiver import Receiver, receiving
from .shop import ADMIN, DISABLED_AFTER_MS, SHOP_SECRET, WebhookShop

# What no statement of its own is needed for.
on_one_database = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
DOWN = web.HTTPServiceUnavailable.status_code


def answer(status: int, **more: Any) -> web.Response:
    return web.Response(status=status, **more)


async def test_a_committed_order_is_sent_once_and_signed_as_standard_webhooks_has_it(
    shop: WebhookShop, receiver: Receiver
) -> None:
    secret = new_secret()
    await shop.add(receiver.url(), secret=secret)
    await shop.place("a")
    shop.clock.ms = now_ms()  # by which the library judges the signature's age
    await shop.send()
    await shop.send()
    (request,) = receiver.requests
    request.verify(secret)
    with pytest.raises(WebhookVerificationError):
        request.verify(new_secret())
    event = request.event
    assert request.id == event["id"] == f"evt_{shop.store.epoch}_{event['seq']}"
    assert "." not in request.id
    assert event["type"] == "order.placed"
    assert event["data"]["order"]["id"] == "ord_a"
    assert event["data"]["previous"] is None
    assert await shop.rows() == [("order.placed", "ord_a", "delivered", 1)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@on_one_database
async def test_what_changed_is_sent_with_what_it_was_before(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.add(receiver.url(), ["order.status_changed"])
    await shop.place("a")
    await shop.move("a", "processing")
    await shop.send()
    (request,) = receiver.requests
    assert request.event["data"]["order"]["status"] == "processing"
    assert request.event["data"]["previous"]["status"] == "pending"
    assert "customerInfo" not in request.event["data"]["previous"]


async def test_an_endpoint_is_sent_what_it_wants_and_what_comes_after_it(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.place("before")
    await shop.add(receiver.url("/orders"), ["order.*"])
    await shop.add(receiver.url("/placed"), ["order.placed", "product.added"])
    await shop.add(receiver.url("/products"), ["product.*"])
    await shop.place("a")
    await shop.move("a", "processing")
    await shop.send()
    found = sorted((request.path, request.event["type"]) for request in receiver.requests)
    assert found == [("/orders", "order.placed"), ("/orders", "order.status_changed"), ("/placed", "order.placed")]


async def test_a_crash_between_making_and_sending_costs_and_doubles_nothing(
    shop: WebhookShop, receiver: Receiver
) -> None:
    await shop.add(receiver.url())
    await shop.place("a", "b")
    enabled = await shop.store.read(endpoints.enabled)
    # Two nodes have read the same, and both write what they made of it; then one dies.
    await asyncio.gather(*(follow(shop.store, enabled, shop.clock.now) for _ in range(2)))
    assert len(await shop.rows()) == 2
    await shop.send()
    assert sorted(request.event["data"]["order"]["id"] for request in receiver.requests) == ["ord_a", "ord_b"]


async def test_what_was_sent_and_not_noted_is_sent_again_under_the_same_id(
    shop: WebhookShop, receiver: Receiver
) -> None:
    await shop.add(receiver.url())
    await shop.place("a")
    receiver.held = asyncio.Event()
    async with shop.worker() as worker:
        sending = asyncio.create_task(worker.run())
        await until(lambda: receiver.requests)
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
    receiver.held.set()
    receiver.held = None
    await shop.send()
    first, second = receiver.requests
    assert first.id == second.id
    assert first.body == second.body


async def test_while_the_database_takes_nothing_nothing_is_sent_twice(
    shop: WebhookShop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.add(receiver.url())
    await shop.place("a")
    await follow(shop.store, await shop.store.read(endpoints.enabled), shop.clock.now)

    async def full(unit: object) -> None:
        raise StoreError("the disk is full")

    async with shop.worker() as worker:
        with monkeypatch.context() as patched:
            patched.setattr(shop.store, "write", full)
            for _ in range(3):
                with suppress(StoreError):
                    await worker.run_due()
        assert len(receiver.requests) == 1
        await worker.run_due()
    assert len(receiver.requests) == 1
    assert await shop.rows() == [("order.placed", "ord_a", "delivered", 1)]


async def test_orders_are_told_each_in_its_turn_and_none_waits_for_another(
    shop: WebhookShop, receiver: Receiver
) -> None:
    await shop.add(receiver.url(), ["order.*"])
    await shop.place("a", "b")
    await shop.move("a", "processing")
    await shop.move("b", "processing")
    receiver.decide = lambda request: answer(DOWN) if request.event["data"]["order"]["id"] == "ord_a" else None
    await shop.send()
    told = [(request.event["data"]["order"]["id"], request.event["type"]) for request in receiver.requests]
    assert sorted(told) == [
        ("ord_a", "order.placed"),
        ("ord_b", "order.placed"),
        ("ord_b", "order.status_changed"),
    ]
    assert told.index(("ord_b", "order.placed")) < told.index(("ord_b", "order.status_changed"))
    receiver.requests.clear()
    receiver.decide = lambda _: None
    shop.clock.ms += RETRY_AFTER_S[0] * 1000
    await shop.send()
    assert [request.event["type"] for request in receiver.requests] == ["order.placed", "order.status_changed"]


async def test_it_is_tried_again_for_days_then_given_up_and_the_next_one_goes(
    shop: WebhookShop, receiver: Receiver
) -> None:
    await shop.add(receiver.url(), ["order.*"])
    await shop.place("a")
    await shop.move("a", "processing")
    receiver.decide = lambda request: answer(500) if request.event["type"] == "order.placed" else None
    async with shop.worker(disabled_after_ms=10**12) as worker:
        await worker.run_due()
        for wait_s in RETRY_AFTER_S:
            before = len(receiver.requests)
            shop.clock.ms += wait_s * 1000 - 1
            await worker.run_due()
            assert len(receiver.requests) == before
            shop.clock.ms += 1
            await worker.run_due()
            assert len(receiver.requests) > before
    assert await shop.rows() == [
        ("order.placed", "ord_a", "failed", ATTEMPTS_MAX),
        ("order.status_changed", "ord_a", "delivered", 1),
    ]
    assert len({request.id for request in receiver.requests}) == 2
    assert sum(RETRY_AFTER_S) > 2 * 86_400


@on_one_database
async def test_retry_after_is_heeded(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.add(receiver.url())
    await shop.place("a")
    receiver.answers = [answer(429, headers={"Retry-After": "120"})]
    await shop.send()
    assert await shop.rows("due_at") == [(timestamp(shop.clock.ms + 120_000),)]


@on_one_database
async def test_an_answer_is_kept_as_far_as_its_bounds(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.add(receiver.url())
    await shop.place("a")
    receiver.answers = [answer(500, body=b"broken\x00\xff" + b"x" * 100_000, headers={"X-Trace": "7"})]
    await shop.send()
    ((status, headers, body, problem),) = await shop.attempts()
    assert (status, problem) == (500, "It answered 500.")
    assert "x-trace: 7" in headers
    assert body.startswith("broken\ufffd\ufffdxxx")
    assert len(body.encode()) < 1_100


@on_one_database
async def test_a_redirect_is_not_followed(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.add(receiver.url())
    await shop.place("a")
    receiver.answers = [answer(307, headers={"Location": receiver.url("/elsewhere")})]
    await shop.send()
    assert [request.path for request in receiver.requests] == ["/hook"]
    assert (await shop.attempts())[0][0] == 307


async def test_one_slow_endpoint_has_its_share_and_harms_no_other(shop: WebhookShop, receiver: Receiver) -> None:
    async with receiving() as slow:
        await shop.add(slow.url())
        await shop.add(receiver.url())
        await shop.place(*(f"{number}" for number in range(3 * IN_FLIGHT_MAX)))
        slow.held = asyncio.Event()
        async with shop.worker() as worker:
            running = asyncio.create_task(worker.run())
            await until(lambda: len(receiver.requests) == 3 * IN_FLIGHT_MAX)
            assert len(slow.requests) == IN_FLIGHT_MAX
            slow.held.set()
            await until(lambda: len(slow.requests) == 3 * IN_FLIGHT_MAX)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        assert len({request.id for request in slow.requests}) == 3 * IN_FLIGHT_MAX


async def test_while_too_much_waits_the_feed_is_the_queue(
    shop: WebhookShop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "QUEUED_MAX", 2)
    monkeypatch.setattr("ordercast.webhooks.feed_follower.ROWS_AT_ONCE", 2)
    endpoint = await shop.add(receiver.url(), ["order.placed"])
    await shop.place("a", "b", "c", "d", "e")
    receiver.decide = lambda _: answer(DOWN)
    await shop.send()
    assert [subject for _, subject, *_ in await shop.rows()] == ["ord_a", "ord_b"]
    assert (await shop.endpoint()).through < endpoint.through + 5
    receiver.decide = lambda _: None
    shop.clock.ms += RETRY_AFTER_S[0] * 1000
    await shop.send()
    assert [(subject, state) for _, subject, state, _ in await shop.rows()] == [
        (f"ord_{name}", "delivered") for name in "abcde"
    ]


# --- Secrets ----------------------------------------------------------------------------------------------------------


@on_one_database
async def test_while_a_secret_is_rotated_both_sign_and_afterwards_the_new_one_alone(
    shop: WebhookShop, receiver: Receiver
) -> None:
    old, new = new_secret(), new_secret()
    shop.clock.ms = now_ms()
    endpoint = await shop.add(receiver.url(), secret=old)
    ends_at = timestamp(shop.clock.ms + 60_000)
    secrets = rotated(endpoint.secrets, shop.box.seal(new), ends_at, shop.clock.now)
    await shop.store.write(lambda t: endpoints.save_secrets(t, endpoint.id, secrets, ADMIN, shop.clock.now))
    await shop.place("a")
    await shop.send()
    for secret in (old, new):
        receiver.requests[0].verify(secret)
    shop.clock.ms += 60_000
    await shop.place("b")
    await shop.send()
    receiver.requests[1].verify(new)
    with pytest.raises(WebhookVerificationError):
        receiver.requests[1].verify(old)


@on_one_database
async def test_secrets_outlive_the_rotation_of_the_shops_own(shop: WebhookShop, receiver: Receiver) -> None:
    secret = new_secret()
    shop.clock.ms = now_ms()
    endpoint = await shop.add(receiver.url(), secret=secret)
    assert secret not in json.dumps(await shop.store.read(lambda t: t.all("SELECT * FROM webhook_endpoints")))
    renewed = "another secret of thirty-two bytes!!"
    await reseal(shop.store, SecretBox([renewed, SHOP_SECRET]))
    assert (await shop.endpoint()).secrets != endpoint.secrets
    shop.box = SecretBox([renewed])
    await shop.place("a")
    await shop.send()
    receiver.requests[0].verify(secret)


@on_one_database
async def test_a_secret_that_cannot_be_read_is_said_and_nothing_is_sent_unsigned(
    shop: WebhookShop, receiver: Receiver
) -> None:
    await shop.add(receiver.url())
    await shop.place("a")
    shop.box = SecretBox(["quite another secret of thirty-two bytes"])
    await shop.send()
    assert receiver.requests == []
    assert "rotate it" in (await shop.attempts())[0][3]


# --- Switching off ----------------------------------------------------------------------------------------------------


async def told_of_disabling(shop: WebhookShop) -> tuple[list[Any], list[Any]]:
    """The notifications and mails about it."""

    def query(transaction: Transaction) -> tuple[list[Any], list[Any]]:
        kind = "webhook_disabled"
        return (
            transaction.all(f"SELECT recipient, data FROM notifications WHERE kind = '{kind}'"),
            transaction.all(f"SELECT address, state FROM mails WHERE kind = '{kind}'"),
        )

    return await shop.store.read(query)


async def admin(shop: WebhookShop) -> None:
    await shop.store.write(
        lambda t: t.run(
            "INSERT INTO accounts (id, email, name, role, password_hash)"
            " VALUES ('usr_admin', 'admin@example.com', 'Admin', 'admin', 'hash')"
        )
    )


async def test_who_answers_410_is_sent_nothing_more(shop: WebhookShop, receiver: Receiver) -> None:
    await admin(shop)
    await shop.add(receiver.url())
    await shop.place("a", "b")
    receiver.answers = [answer(410), answer(410)]
    await shop.send()
    receiver.requests.clear()
    await shop.place("c")
    await shop.send()
    assert receiver.requests == []
    found = await shop.endpoint()
    assert (found.enabled, found.disabled_by) == (False, "gone")
    notified, mailed = await told_of_disabling(shop)
    assert len(notified) == 1
    assert notified[0][0] == "store"
    assert f"127.0.0.1:{receiver.port}" in str(notified[0][1])
    assert mailed == [("admin@example.com", "due")]


async def test_where_nothing_was_delivered_for_days_it_is_switched_off_and_people_are_told(
    shop: WebhookShop, receiver: Receiver
) -> None:
    await admin(shop)
    await shop.add(receiver.url())
    receiver.decide = lambda _: answer(DOWN)
    for number in itertools.count():
        await shop.place(f"{number}")
        await shop.send()
        found = await shop.endpoint()
        if not found.enabled:
            break
        assert found.failing_since is not None
        shop.clock.ms += DISABLED_AFTER_MS // 4
    assert number == 4
    assert found.disabled_by == "failing"
    notified, mailed = await told_of_disabling(shop)
    assert len(notified) == len(mailed) == 1


@on_one_database
async def test_one_delivery_between_failures_keeps_it_on(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.add(receiver.url())
    for number in range(8):
        await shop.place(f"{number}")
        receiver.decide = lambda _, down=number % 4 < 3: answer(DOWN) if down else None  # type: ignore[misc]
        await shop.send()
        shop.clock.ms += DISABLED_AFTER_MS // 4
    assert (await shop.endpoint()).enabled


# --- What is told besides, and what is forgotten ----------------------------------------------------------------------


async def test_what_was_pruned_before_it_was_sent_is_told_as_a_gap(shop: WebhookShop, receiver: Receiver) -> None:
    endpoint = await shop.add(receiver.url(), ["order.placed"])
    await shop.place("a", "b", "c")
    await shop.store.write(lambda t: t.run(f"DELETE FROM feed WHERE seq <= {endpoint.through + 2}"))
    await shop.send()
    assert sorted(request.event["type"] for request in receiver.requests) == ["feed.resync", "order.placed"]
    (gap,) = [request.event for request in receiver.requests if request.event["type"] == "feed.resync"]
    assert gap["data"] == {"reason": "history_pruned"}


@on_one_database
async def test_a_row_that_cannot_be_read_is_a_gap_and_holds_up_none_behind_it(
    shop: WebhookShop, receiver: Receiver
) -> None:
    await shop.add(receiver.url(), ["order.*"])
    await shop.place("a")
    await shop.store.write(lambda t: t.run("UPDATE feed SET after = 'no JSON' WHERE entity_id = 'ord_a'"))
    await shop.place("b")
    await shop.send()
    assert sorted(request.event["type"] for request in receiver.requests) == ["feed.resync", "order.placed"]


async def test_deliveries_are_forgotten_with_their_attempts(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.add(receiver.url())
    await shop.place("old")
    await shop.send()
    shop.clock.ms += 30 * 86_400_000
    await shop.place("new")
    await shop.send()
    await forget_deliveries(shop.store, 30, shop.clock.ms)
    assert len(await shop.rows()) == 2
    await forget_deliveries(shop.store, 30, shop.clock.ms + 1)
    assert [subject for _, subject, *_ in await shop.rows()] == ["ord_new"]
    assert len(await shop.attempts()) == 1


async def test_the_running_worker_sends_what_a_commit_brings(shop: WebhookShop, receiver: Receiver) -> None:
    await shop.add(receiver.url(), ["order.placed"])
    async with shop.worker() as worker:
        running = asyncio.create_task(worker.run())
        await shop.place("a")
        await until(lambda: len(receiver.requests) == 1)
        await shop.place("b")
        await until(lambda: len(receiver.requests) == 2)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@on_one_database
async def test_the_check_names_hosts_that_are_sent_nothing(shop: WebhookShop, receiver: Receiver) -> None:
    assert await check_webhooks(shop.store) == []
    async with receiving() as gone, receiving() as failing:
        for one in (receiver, gone, failing):
            await shop.add(one.url("/a-secret-path"))
        gone.answers = [answer(410)]
        failing.decide = lambda _: answer(500)
        await shop.place("a")
        await shop.send()
        sentences = [finding.sentence for finding in await check_webhooks(shop.store)]
    assert [f"127.0.0.1:{gone.port}" in each for each in sentences] == [True, False, False]
    assert [f"127.0.0.1:{failing.port}" in each for each in sentences] == [False, True, True]
    assert f"127.0.0.1:{receiver.port}" in sentences[2]
    assert "secret" not in "".join(sentences)
