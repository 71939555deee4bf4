from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks.webhooks import Webhook

from ordercast.api.mail_links import MailLinks
from ordercast.api.signing_keys import SigningKeys
from ordercast.commerce.letters import Language
from ordercast.commerce.notification_preferences import Channel, NotificationPreferences, QuietHours
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity, Topic, topic_of
from ordercast.commerce.people import Role
from ordercast.commerce.timestamps import timestamp
from ordercast.config import Settings
from ordercast.db import SqliteStore, Store, StoreError, Transaction, accounts, contact_points, notification_preferences
from ordercast.db.accounts import Account
from ordercast.db.contact_points import DEVICES_MAX, ContactPoint
from ordercast.db.notifications import notify
from ordercast.db.postgresql.store import PostgresqlStore
from ordercast.notify import NotificationWorker, Planner, forget_tasks, senders_of
from ordercast.notify.notification_worker import AT_ONCE_MAX, BACKOFF_S, KEPT_MS
from ordercast.notify.planning import LATE_MS
from tests.db.forced import force
from tests.outgoing.places import Reply, Request, serving
from tests.waiting import until

from .browsers import PushService, push_service

SECRET = "a secret of at least thirty-two bytes"
START_MS = 1_795_241_719_608  # 2026-11-21T06:15:19Z
DHAKA = ZoneInfo("Asia/Dhaka")
URL = "https://shop.example.com"
# What is asked of the database, it is asked of both.
BOTH = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)


@dataclass
class Clock:
    ms: int = START_MS


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Shop:
    """A store with people in it, and a worker over its ways."""

    def __init__(self, store: Store, folder: Path, clock: Clock, **settings: Any) -> None:
        self.store = store
        self.clock = clock
        given = Settings(
            secret=SECRET,
            database_url=f"sqlite:///{folder / 'keys.db'}",
            outgoing_networks=("127.0.0.0/8",),
            mail_url=(folder / "mails").as_uri(),
            mail_from="Shop <shop@example.com>",
            sms_url=(folder / "texts").as_uri(),
        )
        self.settings = Settings(**{**{name: getattr(given, name) for name in given.__struct_fields__}, **settings})
        self.folder = folder
        self.senders = senders_of(self.settings, URL)
        self.worker = self.new_worker()

    def new_worker(self) -> NotificationWorker:
        links = MailLinks(URL, SigningKeys(SECRET))
        planner = Planner(links, channels=self.senders, language=Language.ENGLISH, timezone="Asia/Dhaka")
        return NotificationWorker(self.store, self.senders, planner, now_ms=lambda: self.clock.ms)

    @property
    def now(self) -> Any:
        return timestamp(self.clock.ms)

    async def has(self, user_id: str, role: Role = Role.CUSTOMER) -> None:
        account = Account(user_id, f"{user_id}@example.com", user_id, role, "hash")
        await self.store.write(lambda transaction: accounts.add(transaction, account, self.now))

    async def subscribe(
        self, user_id: str, subscription: dict[str, Any], *, for_shop: bool = False, language: str | None = None
    ) -> str:
        endpoint = subscription["endpoint"]
        point = ContactPoint(
            contact_points.device_id(endpoint, user_id),
            user_id,
            Channel.PUSH,
            for_shop,
            endpoint,
            json.dumps(subscription["keys"]),
            language,
            self.now,
        )
        await self.store.write(lambda transaction: contact_points.add(transaction, point))
        return point.id

    async def choose(self, user_id: str, *, for_shop: bool = False, **wanted: Any) -> None:
        chosen = NotificationPreferences(**wanted)
        await self.store.write(
            lambda transaction: notification_preferences.save(
                transaction, user_id, chosen, for_shop=for_shop, now=self.now
            )
        )

    async def tell(self, recipient: str, number: int = 7, severity: Severity = Severity.INFO, **more: Any) -> None:
        kind = more.pop("kind", NotificationKind.ASSIGNED)
        data = {"number": number, **more.pop("data", {})}

        def unit(transaction: Transaction) -> None:
            notify(transaction, recipient, kind, data, severity=severity, now=self.now, **more)

        await self.store.write(unit)

    async def states(self) -> list[tuple[str, str | None]]:
        """What became of each task, and why."""
        question = "SELECT state, problem FROM notification_tasks ORDER BY entry"
        return [(state, problem) for state, problem in await self.store.read(lambda t: t.all(question))]

    def mails(self) -> list[str]:
        return sorted(file.read_text() for file in (self.folder / "mails").glob("*.eml"))

    def texts(self) -> list[dict[str, str]]:
        return [json.loads(file.read_bytes()) for file in (self.folder / "texts").glob("*.json")]


@pytest.fixture
async def shop(store: Store, tmp_path: Path, clock: Clock) -> AsyncIterator[Shop]:
    shop = Shop(store, tmp_path, clock)
    yield shop
    for sender in shop.senders.values():
        await sender.close()


# --- Once, and to whom ------------------------------------------------------------------------------------------------


@BOTH
async def test_who_asked_for_it_is_pushed_to_once_on_each_of_their_devices(shop: Shop, service: PushService) -> None:
    await shop.has("drv_1", Role.DRIVER)
    for name in ("phone", "laptop"):
        await shop.subscribe("drv_1", service.browser(name))
    await shop.subscribe("drv_2", service.browser("others"))
    await shop.tell("drv_1", order_id="ord_7")
    assert await shop.worker.send_due() == 2
    assert await shop.worker.send_due() == 0
    assert sorted(push.browser for push in service.taken) == ["laptop", "phone"]
    shown = service.taken[0].shown
    assert (shown["title"], shown["body"], shown["lang"]) == (
        "A delivery for you",
        "Order 7 waits for you at the shop.",
        "en",
    )
    assert shown["navigate"] == f"{URL}/track/ord_7"
    assert service.taken[0].claims["sub"] == "mailto:shop@example.com"
    assert await shop.states() == [("sent", None)] * 2


@BOTH
async def test_what_did_not_commit_is_not_sent(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))

    def unit(transaction: Transaction) -> None:
        notify(transaction, "drv_1", NotificationKind.ASSIGNED, {"number": 7}, now=shop.now)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await shop.store.write(unit)
    assert await shop.worker.send_due() == 0
    assert service.asked == 0


@BOTH
async def test_what_another_program_writes_is_sent_too(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    add = "INSERT INTO notifications (recipient, kind, data) VALUES ('drv_1', 'assigned', '{\"number\": 9}')"
    await shop.store.write(lambda transaction: transaction.run(add))
    shop.clock.ms = max(shop.clock.ms, int(datetime.now().timestamp() * 1000) + 60_000)  # noqa: DTZ005 - to compare alone
    await shop.worker.send_due()
    assert [push.shown["body"] for push in service.taken] == ["Order 9 waits for you at the shop."]


@BOTH
async def test_the_shops_people_are_told_of_its_work_while_they_are_its_people(
    shop: Shop, service: PushService
) -> None:
    for user_id, role in (("usr_1", Role.STORE), ("usr_2", Role.ADMIN), ("usr_3", Role.DRIVER), ("usr_4", Role.STORE)):
        await shop.has(user_id, role)
        await shop.subscribe(user_id, service.browser(user_id), for_shop=True)
    await shop.subscribe("cus_1", service.browser("cus_1"))
    await shop.store.write(lambda t: t.run("UPDATE accounts SET active = 0 WHERE id = 'usr_4'"))
    await shop.tell(SHOP, kind=NotificationKind.NEW_ORDERS, data={"count": 1, "first": 7, "last": 7})
    await shop.worker.send_due()
    # usr_3 is a driver now, whatever they were when they asked.
    assert sorted(push.browser for push in service.taken) == ["usr_1", "usr_2"]


# --- What does not go through -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_gone_is_forgotten(shop: Shop, service: PushService, status: int) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.subscribe("drv_1", service.browser("laptop"))
    await shop.tell("drv_1")
    service.answers = [status]
    await shop.worker.send_due()
    assert sorted(await shop.states()) == [("refused", str(status)), ("sent", None)]
    await shop.tell("drv_1", 8)
    assert await shop.worker.send_due() == 1
    left = await shop.store.read(lambda transaction: contact_points.devices(transaction, "drv_1"))
    assert len(left) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_push_service_that_is_busy_is_asked_again_later_each_time(
    shop: Shop, service: PushService, status: int
) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    service.answers = [status, status]
    for wait_s in BACKOFF_S[:2]:
        assert await shop.worker.send_due() == 1
        assert await shop.states() == [("due", str(status))]
        shop.clock.ms += wait_s * 1000 - 1
        assert await shop.worker.send_due() == 0
        shop.clock.ms += 1
    assert await shop.worker.send_due() == 1
    assert service.titles() == ["A delivery for you"]


async def test_a_push_service_that_says_when_is_asked_then(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    service.answers = [Reply(429, {"Retry-After": "120"})]
    await shop.worker.send_due()
    shop.clock.ms += 119_999
    assert await shop.worker.send_due() == 0
    shop.clock.ms += 1
    assert await shop.worker.send_due() == 1
    assert len(service.taken) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 413])
async def test_what_is_refused_is_given_up_and_its_endpoint_is_not_logged(
    shop: Shop, service: PushService, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    service.answers = [Reply(status, {"Location": "http://127.0.0.1:1/"}, b"bad\nkey")]
    with caplog.at_level(logging.INFO, "ordercast.notify"):
        await shop.worker.send_due()
    assert await shop.states() == [("refused", str(status))]
    assert "bad key" in caplog.text
    assert "/push/phone" not in caplog.text


async def test_a_push_service_that_is_away_keeps_no_other_back_and_costs_nothing(
    shop: Shop, service: PushService
) -> None:
    with push_service() as gone:
        lost = gone.browser("phone")
    await shop.subscribe("drv_1", lost)
    await shop.subscribe("drv_1", service.browser("laptop"))
    await shop.tell("drv_1")
    await shop.worker.send_due()
    assert sorted(await shop.states()) == [("due", "no connection was had"), ("sent", None)]


async def test_an_endpoint_at_a_private_address_is_not_called(
    store: Store, tmp_path: Path, clock: Clock, service: PushService
) -> None:
    """Such as one that another program has written, or that was allowed once."""
    shop = Shop(store, tmp_path, clock, outgoing_networks=())
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    await shop.worker.send_due()
    assert await shop.states() == [("refused", "private_address")]
    assert service.asked == 0


async def test_what_nobody_took_for_two_days_is_given_up(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    shop.clock.ms += LATE_MS + 1
    await shop.worker.send_due()
    assert await shop.states() == [("refused", "too_late")]
    assert service.asked == 0


async def test_what_was_sent_goes_no_second_time_because_that_could_not_be_noted(
    shop: Shop, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database reads and does not write, as on a full disk."""
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")

    async def full(unit: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(shop.store, "write", full)
        for _ in range(3):
            with pytest.raises(StoreError):
                await shop.worker.send_due()
    assert len(service.taken) == 1
    await shop.worker.send_due()
    assert await shop.states() == [("sent", None)]
    assert len(service.taken) == 1


async def test_what_is_sent_twice_takes_its_own_place(shop: Shop, service: PushService) -> None:
    """The node dies between the answer and its own commit, or another takes over meanwhile."""
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    await shop.worker.send_due()
    await shop.store.write(lambda t: t.run("UPDATE notification_tasks SET state = 'due'"))
    await shop.new_worker().send_due()
    first, second = service.taken
    assert first.headers["topic"] == second.headers["topic"]
    assert first.shown == second.shown


@BOTH
async def test_a_task_that_cannot_be_read_keeps_none_behind_it_back(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    await shop.store.write(lambda t: t.run("UPDATE notifications SET data = '{}'"))
    await shop.tell("drv_1", 8)
    await shop.worker.send_due()
    assert await shop.states() == [("refused", "unreadable"), ("sent", None)]


# --- Newest wins ------------------------------------------------------------------------------------------------------


@BOTH
async def test_of_an_order_the_newest_state_alone_is_told_and_takes_the_olds_place(
    shop: Shop, service: PushService
) -> None:
    await shop.subscribe("cus_1", service.browser("phone"))

    async def moved(status: str, order_id: str = "ord_7") -> None:
        data = {"status": status, "fulfilment": "delivery"}
        await shop.tell("cus_1", kind=NotificationKind.ORDER_STATUS, data=data, order_id=order_id)

    await moved("picked_up")
    await shop.worker.send_due()
    await moved("in_transit")
    await moved("processing", "ord_8")
    await moved("delivered")
    await shop.worker.send_due()
    assert service.titles() == ["Picked up", "Order accepted", "Delivered"]
    assert ("dropped", "outdated") in await shop.states()
    tags = [push.shown["tag"] for push in service.taken]
    assert tags[0] == tags[2] != tags[1]


async def test_many_to_one_device_go_in_their_order(shop: Shop, service: PushService) -> None:
    for device in ("phone", "laptop"):
        await shop.subscribe("drv_1", service.browser(device))
    for number in range(AT_ONCE_MAX):
        await shop.tell("drv_1", number)
    while await shop.worker.send_due():
        pass
    for device in ("phone", "laptop"):
        bodies = [push.shown["body"] for push in service.taken if push.browser == device]
        assert bodies == [f"Order {number} waits for you at the shop." for number in range(AT_ONCE_MAX)]


# --- What people chose ------------------------------------------------------------------------------------------------


@BOTH
async def test_it_goes_by_the_ways_that_were_chosen_in_the_language_that_was(shop: Shop, service: PushService) -> None:
    await shop.has("drv_1", Role.DRIVER)
    await shop.subscribe("drv_1", service.browser("phone"), language="en")
    channels = {Topic.DELIVERIES: frozenset({Channel.MAIL, Channel.SMS})}
    await shop.choose("drv_1", language="bn-BD", mobile="+8801700000000", topics=channels)
    await shop.tell("drv_1", order_id="ord_7")
    await shop.worker.send_due()
    assert service.asked == 0
    (text,) = shop.texts()
    assert text["to"] == "+8801700000000"
    assert text["text"] == f"আপনার জন্য ডেলিভারি: অর্ডার 7 দোকানে আপনার অপেক্ষায়। {URL}/track/ord_7"
    (mail,) = shop.mails()
    assert "To: drv_1@example.com" in mail
    assert "Content-Language: bn" in mail
    # A push is dropped when it would be sent: it is chosen, or not, until then.
    assert sorted(await shop.states()) == [("dropped", "unwanted"), ("sent", None), ("sent", None)]


async def test_an_sms_service_is_asked_by_a_signed_request_and_again_where_it_is_busy(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    secret, answers, taken = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", [503, 201, 422], list[Any]()

    def response(request: Request) -> Reply:
        taken.append(Webhook(secret).verify(request.body, dict(request.headers)))
        return Reply(answers.pop(0))

    with serving(response) as port:
        clock.ms = int(datetime.now().timestamp() * 1000)  # noqa: DTZ005 - of the service's own clock
        shop = Shop(store, tmp_path, clock, sms_url=f"http://127.0.0.1:{port}/send", sms_secret=secret)
        await shop.choose("drv_1", mobile="+8801700000000", topics={Topic.DELIVERIES: frozenset({Channel.SMS})})
        await shop.tell("drv_1")
        await shop.worker.send_due()
        assert await shop.states() == [("due", "503")]
        clock.ms += BACKOFF_S[0] * 1000
        await shop.worker.send_due()
        await shop.tell("drv_1", 8)
        await shop.worker.send_due()
        await shop.senders[Channel.SMS].close()
    assert await shop.states() == [("sent", None), ("refused", "422")]
    assert taken[0] == taken[1]
    assert taken[0]["to"] == "+8801700000000"
    assert taken[0]["text"].startswith("A delivery for you: Order 7 waits")


async def test_a_choice_holds_for_what_waits_already(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    await shop.choose("drv_1", topics={Topic.DELIVERIES: frozenset()})
    await shop.worker.send_due()
    assert await shop.states() == [("dropped", "unwanted")]


async def test_a_device_is_told_in_its_pages_language_where_nobody_chose_one(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"), language="bn")
    await shop.tell("drv_1")
    await shop.worker.send_due()
    assert service.titles() == ["আপনার জন্য ডেলিভারি"]


async def test_an_address_that_nobody_has_shown_to_be_theirs_is_not_written_to(shop: Shop) -> None:
    account = Account("cus_1", "somebody@example.com", "Asha", Role.CUSTOMER, "hash", verified=False)
    await shop.store.write(lambda transaction: accounts.add(transaction, account, shop.now))
    await shop.choose("cus_1", topics={Topic.DELIVERIES: frozenset({Channel.MAIL})})
    await shop.tell("cus_1")
    await shop.worker.send_due()
    assert await shop.states() == [("dropped", "no_address")]
    assert shop.mails() == []


async def test_a_reminder_that_has_a_letter_of_its_own_is_not_mailed_twice(shop: Shop) -> None:
    for user_id, role in (("cus_1", Role.CUSTOMER), ("car_1", Role.CARER)):
        await shop.has(user_id, role)
        await shop.choose(user_id, topics={Topic.REMINDERS: frozenset({Channel.MAIL})})
        names = ("bookingId", "service", "serviceBn", "startsAt", "when", "whenBn")
        await shop.tell(user_id, kind=NotificationKind.BOOKING_REMINDER, data=dict.fromkeys(names, "x"))
    await shop.worker.send_due()
    assert await shop.states() == [("dropped", "has_its_letter"), ("sent", None)]


@pytest.mark.parametrize("kind", [NotificationKind.ORDERS_UNSEEN, NotificationKind.BOOKINGS_UNSEEN])
async def test_what_nobody_has_opened_is_mailed_by_its_own_step_alone(shop: Shop, kind: NotificationKind) -> None:
    await shop.has("usr_1", Role.STORE)
    await shop.choose("usr_1", topics={topic_of(kind): frozenset({Channel.MAIL})})
    await shop.tell("usr_1", kind=kind, data={"count": 1, "first": 7, "last": 7})
    await shop.worker.send_due()
    assert await shop.states() == [("dropped", "has_its_letter")]


async def test_a_way_that_the_shop_has_not_is_not_waited_for(
    store: Store, tmp_path: Path, clock: Clock, service: PushService
) -> None:
    shop = Shop(store, tmp_path, clock, push="off")
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    await shop.worker.send_due()
    assert await shop.states() == [("dropped", "off")]


# --- Quiet hours ------------------------------------------------------------------------------------------------------

NIGHT = QuietHours(time(22), time(7))


def set_clock(shop: Shop, text: str, zone: ZoneInfo = DHAKA) -> None:
    shop.clock.ms = int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


@BOTH
async def test_what_comes_in_quiet_hours_is_told_together_when_they_end(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.choose("drv_1", quiet_hours=NIGHT)  # by the shop's clock
    set_clock(shop, "2026-06-01T23:00")
    await shop.tell("drv_1", 1)
    await shop.worker.send_due()
    set_clock(shop, "2026-06-02T02:00")
    await shop.tell("drv_1", 2)
    await shop.tell("drv_1", 3, Severity.ERROR)
    await shop.worker.send_due()
    assert [push.shown["body"] for push in service.taken] == ["Order 3 waits for you at the shop."]
    set_clock(shop, "2026-06-02T06:59:59")
    assert await shop.worker.send_due() == 0
    set_clock(shop, "2026-06-02T07:00")
    await shop.worker.send_due()
    assert service.titles() == ["A delivery for you", "2 notifications"]
    assert {state for state, _ in await shop.states()} == {"sent"}


async def test_one_that_was_held_alone_is_told_as_it_is(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.choose("drv_1", quiet_hours=NIGHT)
    set_clock(shop, "2026-06-01T23:00")
    await shop.tell("drv_1", 1)
    await shop.worker.send_due()
    set_clock(shop, "2026-06-02T07:00")
    await shop.tell("drv_1", 2)  # by day
    await shop.worker.send_due()
    assert sorted(push.shown["body"][:7] for push in service.taken) == ["Order 1", "Order 2"]


@BOTH
async def test_of_a_night_full_of_them_a_device_hears_once(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.choose("drv_1", quiet_hours=NIGHT)
    set_clock(shop, "2026-06-01T23:00")
    for number in range(2 * AT_ONCE_MAX + 5):
        await shop.tell("drv_1", number)
    while await shop.worker.send_due():
        pass
    set_clock(shop, "2026-06-02T07:00")
    while await shop.worker.send_due():
        pass
    assert service.titles() == [f"{2 * AT_ONCE_MAX + 5} notifications"]


@pytest.mark.parametrize(
    ("asked", "still_quiet", "over"),
    [
        # Clocks were put forward at 2, and put back at 2.
        ("2026-03-08T01:30", "2026-03-08T06:59:59", "2026-03-08T07:00"),
        ("2026-11-01T01:30", "2026-11-01T06:59:59", "2026-11-01T07:00"),
    ],
)
async def test_quiet_hours_end_by_the_persons_clock_over_a_change_of_clocks(
    shop: Shop, service: PushService, asked: str, still_quiet: str, over: str
) -> None:
    new_york = ZoneInfo("America/New_York")
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.choose("drv_1", quiet_hours=NIGHT, timezone="America/New_York")
    set_clock(shop, asked, new_york)
    await shop.tell("drv_1")
    await shop.worker.send_due()
    set_clock(shop, still_quiet, new_york)
    assert await shop.worker.send_due() == 0
    set_clock(shop, over, new_york)
    assert await shop.worker.send_due() == 1
    assert service.titles() == ["A delivery for you"]


async def test_quiet_hours_that_were_chosen_meanwhile_hold(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.choose("drv_1", quiet_hours=NIGHT)
    set_clock(shop, "2026-06-01T23:00")
    await shop.tell("drv_1")
    await shop.worker.send_due()
    await shop.choose("drv_1", quiet_hours=replace(NIGHT, end=time(9)))
    set_clock(shop, "2026-06-02T07:00")
    assert await shop.worker.send_due() == 1
    assert service.asked == 0
    set_clock(shop, "2026-06-02T09:00")
    await shop.worker.send_due()
    assert len(service.taken) == 1


# --- Devices ----------------------------------------------------------------------------------------------------------


@BOTH
async def test_of_many_devices_the_newest_are_kept(shop: Shop, service: PushService) -> None:
    first = await shop.subscribe("drv_1", service.browser("first"))
    for number in range(DEVICES_MAX):
        shop.clock.ms += 1
        await shop.subscribe("drv_1", service.browser(f"phone{number}"))
    found = await shop.store.read(lambda transaction: contact_points.devices(transaction, "drv_1"))
    assert len(found) == DEVICES_MAX
    assert first not in {point.id for point in found}


@BOTH
async def test_who_is_signed_out_everywhere_is_pushed_to_nowhere(shop: Shop, service: PushService) -> None:
    await shop.has("cus_1")
    await shop.subscribe("cus_1", service.browser("lost"))
    await shop.subscribe("cus_2", service.browser("others"))
    shop.clock.ms += 1000
    change = "UPDATE accounts SET password_hash = 'another' WHERE id = 'cus_1'"
    await shop.store.write(lambda transaction: transaction.run(change))
    for user_id in ("cus_1", "cus_2"):
        await shop.tell(user_id)
    while await shop.worker.send_due():
        pass
    assert [push.browser for push in service.taken] == ["others"]


# --- The worker itself ------------------------------------------------------------------------------------------------


async def test_the_worker_sends_what_a_commit_owes(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    running = asyncio.create_task(shop.worker.run())
    await shop.tell("drv_1")
    await until(lambda: len(service.taken) == 1)
    await shop.tell("drv_1", 8)
    await until(lambda: len(service.taken) == 2)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@BOTH
async def test_what_ended_a_week_ago_is_forgotten(shop: Shop, service: PushService) -> None:
    await shop.subscribe("drv_1", service.browser("phone"))
    await shop.tell("drv_1")
    await shop.worker.send_due()
    shop.clock.ms += KEPT_MS
    await shop.tell("drv_1")
    await forget_tasks(shop.store, shop.clock.ms)
    assert len(await shop.states()) == 2
    await forget_tasks(shop.store, shop.clock.ms + 1)
    assert await shop.states() == [("due", None)]


@BOTH
async def test_a_damaged_contact_point_keeps_nobody_else_from_being_told(shop: Shop, service: PushService) -> None:
    for user_id in ("usr_1", "usr_2"):
        await shop.has(user_id, Role.STORE)
        await shop.subscribe(user_id, service.browser(user_id), for_shop=True)
    assert isinstance(shop.store, SqliteStore | PostgresqlStore)
    destination = shop.store.path if isinstance(shop.store, SqliteStore) else shop.store._url
    force(destination, "contact_points", "UPDATE contact_points SET way = 'pigeon' WHERE user_id = ?", ["usr_1"])

    await shop.tell(SHOP, kind=NotificationKind.NEW_ORDERS, data={"count": 1, "first": 7, "last": 7})
    await shop.worker.send_due()

    assert await shop.states() == [("sent", None)]
