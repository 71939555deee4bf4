"""From the change to the device, over the API: what is asked for on it, and what then comes to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from ordercast.api.mail_links import MailLinks
from ordercast.api.signing_keys import SigningKeys
from ordercast.commerce.letters import Language
from ordercast.config import Settings
from ordercast.db import Store
from ordercast.notify import NotificationWorker, Planner, senders_of
from tests.notify.browsers import PushService, push_service

from .client import CUSTOMER, SECRET, STORE, Client, bearer, problem, signed_in

PATH = "/api/push/subscriptions"


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, outgoing_networks=("127.0.0.0/8",))


@pytest.fixture
async def worker(store: Store, settings: Settings) -> AsyncIterator[NotificationWorker]:
    url = "https://shop.example.com"
    senders = senders_of(settings, url)
    planner = Planner(MailLinks(url, SigningKeys(SECRET)), channels=senders, language=Language.ENGLISH, timezone="UTC")
    yield NotificationWorker(store, senders, planner)
    for sender in senders.values():
        await sender.close()


async def test_a_guest_is_told_of_their_order_and_no_other_with_the_link_that_opens_it(
    client: Client, service: PushService, worker: NotificationWorker
) -> None:
    order, other = await client.place(), await client.place()
    answer = await client.post(PATH, service.browser("phone") | {"language": "bn"}, bearer(order["trackingToken"]))
    assert answer.status_code == 201
    for each in (order, other):
        assert (await client.move(each, "processing")).status_code == 200
    await worker.send_due()
    (push,) = service.taken
    assert push.shown["title"] == "অর্ডার গৃহীত"
    assert push.shown["navigate"] == (f"https://shop.example.com/track/{order['id']}?token={order['trackingToken']}")
    # No list of theirs has it: their page is the order's.
    problem(await client.get("/api/notifications", bearer(order["trackingToken"])), 403, "not-permitted")


async def test_the_shop_is_told_of_a_buyers_cancellation_and_a_customer_of_what_they_did_not_do(
    client: Client, service: PushService, worker: NotificationWorker
) -> None:
    for name, headers in (("mine", CUSTOMER), ("shop", STORE)):
        assert (await client.post(PATH, service.browser(name), headers)).status_code == 201
    order = await client.place(CUSTOMER)
    body = {"reason": "changed my mind", "version": 1}
    assert (await client.post(f"/api/orders/{order['id']}/cancel", body, CUSTOMER)).status_code == 200
    await worker.send_due()
    assert [(push.browser, push.shown["title"]) for push in service.taken] == [("shop", "Cancelled by the buyer")]
    accepted = await client.place(CUSTOMER)
    assert (await client.move(accepted, "processing")).status_code == 200
    await worker.send_due()
    assert service.titles("mine") == ["Order accepted"]


async def test_who_is_forgotten_is_pushed_to_no_more_and_was_told_of_their_devices(
    client: Client, service: PushService, worker: NotificationWorker
) -> None:
    admin = signed_in("admin", "usr_admin")
    order = await client.place(CUSTOMER)
    await client.post(PATH, service.browser("phone"), CUSTOMER)
    await client.http.put(
        "/api/me/notification-preferences",
        json={"mobile": "+8801700000000", "topics": {"orders": ["sms"]}},
        headers=dict(CUSTOMER),
    )
    assert (await client.move(order, "rejected", reason="sold out")).status_code == 200
    told = (await client.get("/api/me/export", CUSTOMER)).json()["data"]
    assert {point["way"] for point in told["contactPoints"]} == {"push", "sms"}
    assert told["notificationPreferences"][0]["topics"] == {"orders": ["sms"]}
    assert {task["way"] for task in told["notificationTasks"]} == {"push", "sms"}
    assert (await client.post("/api/customers/cus_1/erase", None, admin)).status_code == 200
    await worker.send_due()
    assert service.asked == 0
    left = await client.get("/api/customers/cus_1/export", admin)
    assert left.status_code == 404 or not any(
        left.json()["data"][table] for table in ("contactPoints", "notificationPreferences", "notificationTasks")
    )
