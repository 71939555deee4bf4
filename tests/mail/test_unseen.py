"""The mail to the shop's people of orders that nobody has opened: it says what is so when it is sent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.letters import Language
from ordercast.commerce.notice import EscalationLimits, NoticeStep
from ordercast.commerce.orders import Order
from ordercast.commerce.people import Role
from ordercast.db import Store, Transaction, accounts, products
from ordercast.db.accounts import Account
from ordercast.jobs import escalate_unseen
from ordercast.mail.folder import FolderMailer
from tests.db.shop import STORE, move, now, place_one

from .mailbox import PUBLIC_URL, Received, read, sending_of

SECRET = "a secret of at least thirty-two bytes"
LIMITS = EscalationLimits({NoticeStep.MAIL: 300})
BENGALI_DIGITS = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def people(transaction: Transaction) -> None:
    products.seed(transaction, DEMO_CATALOGUE, STORE, now())
    accounts.add(transaction, Account("usr_a", "asha@example.com", "Asha", Role.ADMIN, "x"), now())


async def owe(store: Store, last: Order, language: Language) -> int:
    """Have it be so late that mails are owed; gives when that is."""
    late_ms = round(datetime.fromisoformat(last.created_at).timestamp() * 1000) + 301_000
    await escalate_unseen(store, LIMITS, late_ms, mailed_in=language)
    return late_ms


async def mailed(store: Store, folder: Path, now_ms: int) -> list[Received]:
    """What is sent at that moment."""
    await sending_of(store, FolderMailer(folder), SECRET, now_ms=lambda: now_ms).send_due()
    return _taken_from(folder)


def _taken_from(folder: Path) -> list[Received]:
    files = sorted(folder.glob("*.eml"))
    found = [read(file.read_bytes()) for file in files]
    for file in files:
        file.unlink()
    return found


async def test_it_tells_what_is_still_unopened_and_is_not_sent_where_nothing_is(store: Store, tmp_path: Path) -> None:
    await store.write(people)
    orders = [await place_one(store) for _ in range(3)]
    at_ms = await owe(store, orders[-1], Language.ENGLISH)
    await move(store, orders[0].id, "processing")
    (mail,) = await mailed(store, tmp_path, at_ms)
    assert (mail.to, mail.subject) == ("asha@example.com", "Nobody has seen 2 orders")
    assert f"{orders[1].number} to {orders[2].number}" in mail.text
    assert orders[1].created_at[:16].replace("T", " ") in mail.text
    assert mail.link == f"{PUBLIC_URL}/admin"

    late = await place_one(store)
    at_ms = await owe(store, late, Language.BENGALI)
    for order in (*orders[1:], late):
        await move(store, order.id, "rejected")
    assert await mailed(store, tmp_path, at_ms) == []

    alone = await place_one(store)
    (mail,) = await mailed(store, tmp_path, await owe(store, alone, Language.BENGALI))
    assert str(alone.number).translate(BENGALI_DIGITS) in mail.subject
