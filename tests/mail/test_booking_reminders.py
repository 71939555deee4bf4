"""Reminders of bookings: a notification and a mail, once for each beginning, and none of what was called off."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ordercast.commerce.letters import Language
from ordercast.commerce.notification_preferences import Channel, NotificationPreferences
from ordercast.commerce.notifications import Topic
from ordercast.commerce.slots import minute_of
from ordercast.commerce.timestamps import timestamp
from ordercast.db import SqliteStore, Store, Transaction, notification_preferences, notifications
from ordercast.db.bookings.reminders import ReminderSettings
from ordercast.jobs import remind_all
from ordercast.mail.folder import FolderMailer

from .mailbox import Received, read, sending_of

SECRET = "a secret of at least thirty-two bytes"
DHAKA = ReminderSettings(ZoneInfo("Asia/Dhaka"), Language.ENGLISH, sends_mail=True)
DAY_S = 86_400
TEN = "2026-12-01T10:00:00.000Z"
TEN_MS = minute_of(TEN) * 60_000
THE_DAY_BEFORE = TEN_MS - DAY_S * 1000
PEOPLE = "INSERT INTO customers (id, email, name) VALUES ('cus_1', 'asha@example.com', 'Asha')"
ADD = """
    INSERT INTO bookings (id, service_id, service_name, service_name_bn, carer_id, starts_at, ends_at, customer_id,
      customer_email)
    VALUES ('bkg_1', 'svc_1', 'Home care', 'বাড়িতে সেবা', 'car_1', '2026-12-01T10:00:00.000Z',
      '2026-12-01T11:00:00.000Z', 'cus_1', 'asha@example.com')
"""


async def do(store: Store, *statements: str) -> None:
    def unit(transaction: Transaction) -> None:
        for statement in statements:
            transaction.run(statement)

    await store.write(unit)


async def remind(store: Store, now_ms: int, reminding: ReminderSettings = DHAKA) -> int:
    return await remind_all(store, DAY_S, reminding, now_ms)


async def told(store: Store, user_id: str) -> list[str]:
    """What somebody is notified of beginnings."""

    def query(transaction: Transaction) -> Any:
        page = notifications.page(transaction, [user_id], user_id, unread_only=False, before=None, limit=10)
        return [item.text for item in page.items if item.title == "A booking begins soon"]

    found: list[str] = await store.read(query)
    return found


async def mailed(store: Store, folder: Path, now_ms: int) -> list[Received]:
    await sending_of(store, FolderMailer(folder), SECRET, now_ms=lambda: now_ms).send_due()
    return _in(folder)


def _in(folder: Path) -> list[Received]:
    return [read(file.read_bytes()) for file in sorted(folder.glob("*.eml"))]


async def test_customer_and_carer_are_reminded_once_and_not_before_it_is_time(store: Store, tmp_path: Path) -> None:
    await do(store, PEOPLE, ADD)
    assert await remind(store, THE_DAY_BEFORE - 60_000) == 0
    assert await remind(store, THE_DAY_BEFORE) == 1
    assert await remind(store, THE_DAY_BEFORE + 60_000) == 0
    said = ["Booking 1, Home care: Tuesday, 1 December 2026, 16:00."]
    assert await told(store, "cus_1") == await told(store, "car_1") == said
    (mail,) = await mailed(store, tmp_path, THE_DAY_BEFORE)
    assert (mail.to, mail.subject) == ("asha@example.com", "Your booking 1: Tuesday, 1 December 2026, 10:00")
    assert "Home care" in mail.text


async def test_of_nodes_that_remind_at_once_one_does(store: Store) -> None:
    await do(store, PEOPLE, ADD)
    assert sum(await asyncio.gather(*(remind(store, THE_DAY_BEFORE) for _ in range(8)))) == 1
    assert len(await told(store, "cus_1")) == 1


async def test_what_was_called_off_is_no_reason_to_remind_and_its_mail_is_dropped(store: Store, tmp_path: Path) -> None:
    await do(store, PEOPLE, ADD)
    assert await remind(store, THE_DAY_BEFORE) == 1
    await do(store, "UPDATE bookings SET status = 'cancelled'")
    assert await mailed(store, tmp_path, THE_DAY_BEFORE) == []
    await do(store, "UPDATE bookings SET reminded_for = NULL")
    assert await remind(store, THE_DAY_BEFORE) == 0


async def test_what_was_moved_is_reminded_of_anew_and_not_of_the_time_before(store: Store, tmp_path: Path) -> None:
    await do(store, PEOPLE, ADD)
    assert await remind(store, THE_DAY_BEFORE) == 1
    later = "UPDATE bookings SET starts_at = '2026-12-03T10:00:00Z', ends_at = '2026-12-03T11:00:00Z'"
    await do(store, later)
    assert await mailed(store, tmp_path, THE_DAY_BEFORE) == []
    assert await remind(store, THE_DAY_BEFORE) == 0
    in_time = THE_DAY_BEFORE + 2 * DAY_S * 1000
    assert await remind(store, in_time) == 1
    (mail,) = await mailed(store, tmp_path, in_time)
    assert "3 December 2026" in mail.subject


async def test_what_has_begun_is_past_reminding(store: Store) -> None:
    await do(store, PEOPLE, ADD)
    assert await remind(store, TEN_MS) == 0


async def test_a_guest_is_mailed_in_their_language_and_has_no_notification(store: Store, tmp_path: Path) -> None:
    await do(store, ADD)
    guest = "UPDATE bookings SET language = 'bn', tracking_hash = "
    hashed = "CAST('hash' AS BLOB)" if isinstance(store, SqliteStore) else "CAST('hash' AS bytea)"
    await do(store, guest + hashed)
    assert await remind(store, THE_DAY_BEFORE) == 1
    assert await told(store, "cus_1") == []
    (mail,) = await mailed(store, tmp_path, THE_DAY_BEFORE)
    assert "বাড়িতে সেবা" in mail.text
    assert "১ ডিসেম্বর ২০২৬" in mail.subject


async def test_a_row_that_cannot_be_read_keeps_no_other_from_its_reminder(store: Store) -> None:
    bad = ADD.replace("bkg_1", "bkg_0").replace("car_1", "car_0")
    await do(store, PEOPLE, bad, ADD, "UPDATE bookings SET language = 'xx' WHERE id = 'bkg_0'")
    assert await remind(store, THE_DAY_BEFORE) == 1
    assert len(await told(store, "car_1")) == 1


async def test_who_chose_to_be_reminded_in_another_way_is_not_mailed(store: Store, tmp_path: Path) -> None:
    by_push = NotificationPreferences(topics={Topic.REMINDERS: frozenset({Channel.PUSH})})
    await do(store, PEOPLE, ADD)
    await store.write(
        lambda transaction: notification_preferences.save(
            transaction, "cus_1", by_push, for_shop=False, now=timestamp(THE_DAY_BEFORE)
        )
    )
    assert await remind(store, THE_DAY_BEFORE) == 1
    assert len(await told(store, "cus_1")) == 1
    assert await mailed(store, tmp_path, THE_DAY_BEFORE) == []


async def test_a_shop_without_mail_notifies_all_the_same(store: Store, tmp_path: Path) -> None:
    await do(store, PEOPLE, ADD)
    assert (
        await remind(store, THE_DAY_BEFORE, ReminderSettings(ZoneInfo("UTC"), Language.ENGLISH, sends_mail=False)) == 1
    )
    assert len(await told(store, "cus_1")) == 1
    assert await mailed(store, tmp_path, THE_DAY_BEFORE) == []
