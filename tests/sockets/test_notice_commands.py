"""Proof of notice over both doors: what was sent, painted on a screen and opened by a person, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from ordercast.app import build_hub
from ordercast.commerce.notice import SCREENS_MAX, EscalationLimits, NoticeStep
from ordercast.commerce.timestamps import timestamp
from ordercast.config import Settings
from ordercast.db import NotCommitted, Transaction, notices
from ordercast.hub import Server
from ordercast.jobs import escalate_unseen
from ordercast.sockets import notice_recorder
from tests.api.bookings_at_work import at, book, hire_carers, moved, offer
from tests.api.client import CUSTOMER, DRIVER, NOBODY, SERVICE, STORE, Client, bearer, problem, signed_in, token
from tests.api.stores import AnyStore
from tests.waiting import until

from .conftest import Connect
from .phone import Phone

ADMIN = signed_in("admin", "usr_2")


@pytest.fixture
def store(request: pytest.FixtureRequest) -> AnyStore:
    """SQLite, or what a test asks for by `BOTH`."""
    store: AnyStore = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_store")
    return store


BOTH = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
"""Where the database merges what is noted."""


async def notice(client: Client, order: dict[str, Any], headers: Mapping[str, str] = STORE) -> dict[str, Any]:
    answer = await client.get(f"/api/orders/{order['id']}/notice", headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def received(phone: Phone, *orders: dict[str, Any]) -> None:
    assert await phone.ask("notice_received", {"orderIds": [order["id"] for order in orders]}) == {"unknown": []}


# --- What is known of an order ----------------------------------------------------------------------------------------


@BOTH
async def test_an_order_is_committed_sent_painted_and_opened_each_at_its_time(client: Client, connect: Connect) -> None:
    clerk = await connect("store", "usr_store")
    order = await client.place()
    await clerk.heard("newOrder")
    await received(clerk, order)
    assert (await clerk.ask("notice_opened", {"orderId": order["id"]}))["orderId"] == order["id"]
    found = await notice(client, order)
    assert found["committedAt"] == order["createdAt"]
    assert found["committedAt"] <= found["sent"]["at"] <= found["received"]["at"] <= found["opened"]["at"]
    assert found["received"] | {"at": "", "seconds": 0} == {
        "at": "", "seconds": 0, "by": "store:usr_store", "name": None, "screens": 1, "screensMore": False,
    }  # fmt: skip
    assert (found["opened"]["by"], found["opened"]["how"]) == ("store:usr_store", "opened")
    assert 0 <= found["sent"]["seconds"] <= found["received"]["seconds"] <= found["opened"]["seconds"] < 60
    assert found["escalations"] == []


async def test_nothing_is_claimed_that_was_not(client: Client, connect: Connect) -> None:
    await connect("customer", "cus_1")
    order = await client.place(CUSTOMER)
    nobody_was_there = {"orderId": order["id"], "sent": None, "received": None, "opened": None, "escalations": []}
    assert await notice(client, order) == {**nobody_was_there, "committedAt": order["createdAt"]}


async def test_that_it_was_sent_is_noted_though_no_screen_ever_says_so(client: Client, connect: Connect) -> None:
    await connect("store")
    order = await client.place()
    await until(lambda: noted(client, order, "sent"))
    assert (await notice(client, order))["received"] is None


async def noted(client: Client, order: dict[str, Any], step: str) -> bool:
    return (await notice(client, order))[step] is not None


async def test_a_screen_that_came_later_has_it_from_a_list(client: Client, connect: Connect) -> None:
    order = await client.place()
    await received(await connect("store"), order)
    found = await notice(client, order)
    assert found["sent"] is None
    assert found["received"]["screens"] == 1


@BOTH
async def test_the_first_stays_the_first_and_each_screen_counts_once(client: Client, connect: Connect) -> None:
    order = await client.place()
    one, two = await connect("store", "usr_a"), await connect("admin", "usr_b")
    await received(one, order)
    first = await notice(client, order)
    for phone in (two, one, two, one):
        await received(phone, order)
        await phone.ask("notice_opened", {"orderId": order["id"]})
    found = await notice(client, order)
    assert found["received"] == {**first["received"], "screens": 2}
    assert found["opened"]["by"] == "admin:usr_b"


async def test_a_name_is_told_of_who_has_an_account(client: Client, connect: Connect, store: AnyStore) -> None:
    ((clerk, name),) = await store.read(lambda t: t.all("SELECT id, name FROM accounts WHERE role = 'store'"))
    order = await client.place()
    await received(await connect("store", clerk), order)
    assert (await notice(client, order))["received"]["name"] == name


async def test_screens_are_counted_as_far_as_a_bound(client: Client, connect: Connect) -> None:
    order = await client.place()
    phones = [await connect("store", f"usr_{number}") for number in range(SCREENS_MAX + 2)]
    await asyncio.gather(*(received(phone, order) for phone in phones))
    found = (await notice(client, order))["received"]
    assert (found["screens"], found["screensMore"]) == (SCREENS_MAX, True)


async def test_who_moves_an_order_has_opened_it_by_whatever_means_but_no_program_has(
    client: Client, store: AnyStore
) -> None:
    by_person, by_program = await client.place(), await client.place()
    await store.write(lambda t: t.run("UPDATE orders SET status = 'processing' WHERE id = :id", id=by_program["id"]))
    await client.move(by_person, "processing", ADMIN)
    opened = (await notice(client, by_person))["opened"]
    assert (opened["by"], opened["how"]) == ("admin:usr_2", "moved")
    assert (await notice(client, by_program))["opened"] is None


async def test_looking_by_the_api_opens_nothing(client: Client) -> None:
    order = await client.place()
    for _ in range(2):
        assert (await client.get(f"/api/orders/{order['id']}", STORE)).status_code == 200
    assert (await notice(client, order))["opened"] is None


async def test_noticing_is_no_change_of_the_order(client: Client, connect: Connect, store: AnyStore) -> None:
    order = await client.place()
    clerk = await connect("store")
    rows = await store.read(lambda t: t.all("SELECT count(*) FROM feed"))
    await received(clerk, order)
    await clerk.ask("notice_opened", {"orderId": order["id"]})
    assert await store.read(lambda t: t.all("SELECT count(*) FROM feed")) == rows
    assert (await client.get(f"/api/orders/{order['id']}", STORE)).json()["version"] == 1
    assert len((await client.get(f"/api/orders/{order['id']}/history", STORE)).json()["items"]) == 1


# --- Who may, and what is refused -------------------------------------------------------------------------------------


async def test_only_the_shops_people_notice_and_see_who_did(client: Client, connect: Connect) -> None:
    order = await client.place(CUSTOMER)
    guests = await client.place()
    others = [
        await connect("customer", "cus_1"), await connect("driver", "drv_1"), await connect("service", "backend"),
        await connect(tracking=guests["trackingToken"]), await connect(),
    ]  # fmt: skip
    for phone in others:
        for command, body in (
            ("notice_received", {"orderIds": [order["id"]]}),
            ("notice_opened", {"orderId": order["id"]}),
        ):
            assert (await phone.refused(command, body))["code"] in {"not_permitted", "sign_in_required"}
    for headers in (CUSTOMER, DRIVER, SERVICE, bearer(guests["trackingToken"])):
        problem(await client.get(f"/api/orders/{guests['id']}/notice", headers), 403, "not-permitted")
    problem(await client.get(f"/api/orders/{order['id']}/notice", NOBODY), 401, "sign-in-required")
    problem(await client.get("/api/orders/ord_none/notice", STORE), 404, "not-found")
    assert (await notice(client, order))["received"] is None


WRONG: list[tuple[str, Any, str]] = [
    ("notice_received", {}, "orderIds"),
    ("notice_received", {"orderIds": []}, "orderIds"),
    ("notice_received", {"orderIds": "ord_1"}, "orderIds"),
    ("notice_received", {"orderIds": ["ord_1", 7]}, "orderIds[1]"),
    ("notice_received", {"orderIds": ["ord_\x00"]}, "orderIds[0]"),
    ("notice_received", {"orderIds": [f"ord_{number}" for number in range(100_000)]}, "orderIds"),
    ("notice_received", {"orderIds": ["ord_1"], "at": "now"}, "at"),
    ("notice_opened", {}, "orderId"),
    ("notice_opened", {"orderId": "x" * 65}, "orderId"),
]


async def test_bad_input_is_answered_by_field_and_closes_nothing(connect: Connect) -> None:
    clerk = await connect("store")
    for command, body, field in WRONG:
        error = await clerk.refused(command, body)
        assert (error["code"], error["field"]) == ("invalid_field", field)
    assert (await clerk.answered(clerk.send("echo", 1))) == [1]


async def test_ids_that_there_are_no_orders_of_are_named_and_leave_nothing(
    client: Client, connect: Connect, store: AnyStore
) -> None:
    order, clerk = await client.place(), await connect("store")
    answer = await clerk.ask("notice_received", {"orderIds": ["ord_none", order["id"], "ord_none"]})
    assert answer == {"unknown": ["ord_none"]}
    assert (await clerk.refused("notice_opened", {"orderId": "ord_none"}))["code"] == "not_found"
    assert await store.read(lambda t: t.all("SELECT entity_id FROM notices")) == [(order["id"],)]


# --- Batches, nodes and a database that is away -----------------------------------------------------------------------


async def test_many_screens_of_many_orders_are_a_few_writes(
    client: Client, connect: Connect, store: AnyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [await client.place() for _ in range(5)]
    phones = [await connect("store", f"usr_{number}") for number in range(12)]
    written: list[Any] = []
    record = notices.record

    def noting(transaction: Transaction, batch: notices.NoticeBatch) -> notices.BatchOutcome:
        written.append(batch)
        return record(transaction, batch)

    monkeypatch.setattr(notices, "record", noting)
    await asyncio.gather(*(received(phone, *orders) for phone in phones))
    assert len(written) <= 2
    for order in orders:
        assert (await notice(client, order))["received"]["screens"] == len(phones)


@BOTH
async def test_screens_of_two_nodes_are_added_and_the_first_of_both_is_first(
    client: Client, connect: Connect, store: AnyStore, settings: Settings
) -> None:
    other, relay, _ = build_hub(settings, store)
    relay.start()
    try:
        here, there = await connect("store", "usr_here"), await Phone.connected(other, token("store", "usr_there"))
        order = await client.place()
        for phone in (here, there):
            await phone.heard("newOrder")
        await received(there, order)
        await asyncio.gather(*(received(phone, order) for phone in (here, there) for _ in range(3)))
        found = (await notice(client, order))["received"]
        assert (found["by"], found["screens"]) == ("store:usr_there", 2)
    finally:
        relay.stop()
        await other.close()


async def test_what_could_not_be_noted_is_refused_and_what_was_sent_is_noted_later(
    client: Client, server: Server, connect: Connect, store: AnyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice_recorder, "RETRY_S", 0.01)
    clerk = await connect("store")
    order = await client.place()
    await clerk.heard("newOrder")
    write, is_away = store.write, True

    async def writing(unit: Any) -> Any:
        if is_away:
            raise NotCommitted(OSError("the disk is away"))
        return await write(unit)

    monkeypatch.setattr(store, "write", writing)
    error = await clerk.refused("notice_received", {"orderIds": [order["id"]]})
    assert error["code"] == "store_unavailable"
    is_away = False
    await until(lambda: noted(client, order, "sent"))
    assert (await notice(client, order))["received"] is None
    await received(clerk, order)
    assert await noted(client, order, "received")


async def test_a_notice_that_another_program_wrote_badly_keeps_no_other_from_being_noted(
    client: Client, connect: Connect, store: AnyStore
) -> None:
    order, odd = await client.place(), await client.place()
    await received(await connect("store"), odd)
    badly = "UPDATE notices SET screens = '[7]' WHERE entity_id = :id"
    await store.write(lambda transaction: transaction.run(badly, id=odd["id"]))
    clerk = await connect("store")
    answer = await clerk.ask("notice_received", {"orderIds": [odd["id"], order["id"]]})
    assert answer == {"unknown": [odd["id"]]}
    assert (await notice(client, order))["received"] is not None
    assert (await notice(client, odd))["received"] is None


# --- What nobody has opened -------------------------------------------------------------------------------------------


async def test_of_what_nobody_has_opened_the_shop_hears_and_its_buyer_does_not(
    client: Client, connect: Connect, store: AnyStore
) -> None:
    clerk, buyer = await connect("store"), await connect("customer", "cus_1")
    order = await client.place(CUSTOMER)
    await received(clerk, order)
    later_ms = time.time_ns() // 1_000_000 + 61_000
    limits = EscalationLimits({NoticeStep.BOARD: 60, NoticeStep.PUSH: 120})
    assert await escalate_unseen(store, limits, later_ms, mailed_in=None) == {NoticeStep.BOARD: 1}
    assert await escalate_unseen(store, limits, later_ms + 60_000, mailed_in=None) == {NoticeStep.PUSH: 1}
    ((told, offset), _push) = await clerk.heard("order_unseen", 2)
    found = await notice(client, order)
    assert isinstance(offset, str)
    assert told == {
        "id": told["id"], "seq": told["seq"], "version": 1, "at": timestamp(later_ms), "orderId": order["id"],
        "number": order["number"], "step": "board", "committedAt": order["createdAt"],
        "sentAt": found["sent"]["at"], "receivedAt": found["received"]["at"],
    }  # fmt: skip
    ((notified, _),) = await clerk.heard("notification")
    assert (notified["severity"], notified["link"]) == ("error", "/admin")
    assert str(order["number"]) in notified["text"]
    assert [(step["step"], step["at"]) for step in found["escalations"]] == [
        ("board", timestamp(later_ms)),
        ("push", timestamp(later_ms + 60_000)),
    ]
    await buyer.answered(buyer.send("echo"))
    assert buyer.events("order_unseen", "notification") == []


# --- Figures ----------------------------------------------------------------------------------------------------------


@BOTH
async def test_the_days_p95_is_what_a_count_by_hand_gives(client: Client, connect: Connect) -> None:
    clerk = await connect("store")
    orders = [await client.place() for _ in range(21)]
    for order in orders[:20]:
        await received(clerk, order)
    seconds = sorted([(await notice(client, order))["received"]["seconds"] for order in orders[:20]])
    figures = (await client.get("/api/stats", STORE)).json()["notice"]
    assert figures["count"] == 20
    assert figures["p95"] == pytest.approx(seconds[18], abs=0.0015)  # the nineteenth of twenty
    assert figures["median"] == pytest.approx(seconds[9], abs=0.0015)


# --- Bookings ---------------------------------------------------------------------------------------------------------


@BOTH
async def test_a_booking_is_noticed_and_escalated_as_an_order_is(
    client: Client, connect: Connect, store: AnyStore
) -> None:
    await hire_carers(client, store, "car_1")
    service = await offer(client, "car_1")
    clerk, carer = await connect("store", "usr_a"), await connect("carer", "car_1")
    seen, unseen = await book(client, service, at(9)), await book(client, service, at(11))
    await clerk.heard("new_booking", 2)
    both = {"bookingIds": [seen["id"], unseen["id"], "bkg_none"]}
    assert await clerk.ask("notice_received", both) == {"unknown": ["bkg_none"]}
    assert await clerk.ask("notice_opened", {"bookingId": seen["id"]}) == {"orderId": None, "bookingId": seen["id"]}
    assert (await carer.refused("notice_opened", {"bookingId": seen["id"]}))["code"] == "not_permitted"
    assert (await clerk.refused("notice_opened", {"bookingId": seen["id"], "orderId": "ord_1"}))["field"] == "orderId"
    limits, later_ms = EscalationLimits({NoticeStep.PUSH: 60}), time.time_ns() // 1_000_000 + 61_000
    assert await escalate_unseen(store, limits, later_ms, mailed_in=None) == {NoticeStep.PUSH: 1}
    ((told, _),) = await clerk.heard("booking_unseen")
    assert (told["bookingId"], told["number"], told["step"]) == (unseen["id"], unseen["number"], "push")
    ((notified, _),) = await clerk.heard("notification")
    assert str(unseen["number"]) in notified["text"]

    answer = await client.get(f"/api/bookings/{seen['id']}/notice", STORE)
    found = answer.json()
    assert found["bookingId"] == seen["id"]
    assert found["committedAt"] <= found["sent"]["at"] <= found["received"]["at"] <= found["opened"]["at"]
    assert (found["opened"]["by"], found["escalations"]) == ("store:usr_a", [])
    assert (await moved(client, unseen, "confirmed")).status_code == 200
    opened = (await client.get(f"/api/bookings/{unseen['id']}/notice", STORE)).json()["opened"]
    assert opened["how"] == "moved"
    problem(await client.get(f"/api/bookings/{seen['id']}/notice", CUSTOMER), 403, "not-permitted")
    problem(await client.get("/api/bookings/bkg_none/notice", STORE), 404, "not-found")
