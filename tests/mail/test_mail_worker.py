from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from ordercast.commerce.letters import Language, MailKind
from ordercast.commerce.people import Role
from ordercast.commerce.timestamps import timestamp
from ordercast.db import Store, StoreError, Transaction, accounts, mails
from ordercast.db.accounts import Account
from ordercast.mail import MailServerAway, MailWorker, forget_mails
from ordercast.mail.mail_worker import AT_ONCE_MAX, BACKOFF_S, KEPT_MS, LATE_MS
from ordercast.mail.smtp import SmtpMailer, SmtpServer
from tests.waiting import until

from .mailbox import sending_of
from .smtp_server import SmtpServerAt, running

SECRET = "a secret of at least thirty-two bytes"
EMAIL = "asha@example.com"
START_MS = 1_795_241_719_608


@dataclass
class Clock:
    ms: int = START_MS


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sending(store: Store, port: int, clock: Clock) -> MailWorker:
    mailer = SmtpMailer(SmtpServer.of_url(f"smtp://127.0.0.1:{port}"), "shop.example.com")
    return sending_of(store, mailer, SECRET, now_ms=lambda: clock.ms)


async def owed(store: Store, clock: Clock, *names: str, kind: MailKind = MailKind.RESET) -> None:
    """Owe a mail for each name to somebody who has an account."""
    now = timestamp(clock.ms)

    def unit(transaction: Transaction) -> None:
        accounts.add(transaction, Account("cus_1", EMAIL, "Asha", Role.CUSTOMER, "hash"), now)
        for name in names:
            mails.owe(transaction, f"mail_{name}", kind, EMAIL, language=Language.ENGLISH, now=now)

    await store.write(unit)


async def states(store: Store) -> dict[str, tuple[str, str | None, str | None]]:
    """Of each mail its state, its problem, and whom it is for."""
    rows = await store.read(lambda t: t.all("SELECT id, state, problem, address FROM mails ORDER BY id"))
    return {id_: (state, problem, address) for id_, state, problem, address in rows}


async def test_what_is_owed_is_sent_once_and_whom_it_was_for_is_forgotten(
    store: Store, smtp: SmtpServerAt, clock: Clock
) -> None:
    await owed(store, clock, "a", "b")
    worker = sending(store, smtp.port, clock)
    assert await worker.send_due() == 2
    assert await worker.send_due() == 0
    assert await states(store) == {"mail_a": ("sent", None, None), "mail_b": ("sent", None, None)}
    assert [mail.message["Message-ID"] for mail in smtp.received] == [
        "<mail_a@shop.example.com>",
        "<mail_b@shop.example.com>",
    ]


async def test_a_mail_that_was_sent_and_not_noted_goes_again_under_the_same_id(
    store: Store, smtp: SmtpServerAt, clock: Clock
) -> None:
    """The node dies between the server's answer and its own commit, or another takes over meanwhile."""
    await owed(store, clock, "a")
    await sending(store, smtp.port, clock).send_due()
    await store.write(lambda t: t.run(f"UPDATE mails SET state = 'due', address = '{EMAIL}'"))
    await sending(store, smtp.port, clock).send_due()
    first, second = smtp.received
    assert first.message["Message-ID"] == second.message["Message-ID"] == "<mail_a@shop.example.com>"


async def test_what_is_refused_for_good_is_given_up_and_logged_once_without_the_address(
    store: Store, smtp: SmtpServerAt, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await owed(store, clock, "a", "b")
    smtp.answers["RCPT"] = [f"550 5.1.1 <{EMAIL}> unknown"]
    worker = sending(store, smtp.port, clock)
    with caplog.at_level(logging.INFO, "ordercast.mail"):
        while await worker.send_due():
            pass
    assert await states(store) == {"mail_a": ("refused", "550", None), "mail_b": ("sent", None, None)}
    (line,) = [record.getMessage() for record in caplog.records if "mail_a" in record.getMessage()]
    assert line == "mail mail_a is given up: it was refused (550)"
    assert EMAIL not in caplog.text


async def test_what_is_refused_for_now_is_tried_again_later_each_time(
    store: Store, smtp: SmtpServerAt, clock: Clock
) -> None:
    await owed(store, clock, "a")
    smtp.answers["RCPT"] = ["450 come again", "450 and again"]
    worker = sending(store, smtp.port, clock)
    for wait_s in BACKOFF_S[:2]:
        assert await worker.send_due() == 1
        assert await states(store) == {"mail_a": ("due", "450", EMAIL)}
        clock.ms += wait_s * 1000 - 1
        assert await worker.send_due() == 0
        clock.ms += 1
    assert await worker.send_due() == 1
    assert len(smtp.envelopes) == 1


async def test_a_server_that_is_away_costs_no_mail(store: Store, smtp: SmtpServerAt, clock: Clock) -> None:
    await owed(store, clock, "a")
    async with running() as gone:
        pass
    with pytest.raises(MailServerAway):
        await sending(store, gone.port, clock).send_due()
    assert await states(store) == {"mail_a": ("due", None, EMAIL)}
    await sending(store, smtp.port, clock).send_due()
    assert await states(store) == {"mail_a": ("sent", None, None)}


async def test_a_mail_that_was_sent_goes_no_second_time_because_that_could_not_be_noted(
    store: Store, smtp: SmtpServerAt, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database reads and does not write, as on a full disk: minutes of it must not be hundreds of mails."""
    await owed(store, clock, "a")
    worker = sending(store, smtp.port, clock)

    async def full(unit: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", full)
        for _ in range(3):
            with pytest.raises(StoreError):
                await worker.send_due()
    assert len(smtp.envelopes) == 1
    await worker.send_due()
    assert await states(store) == {"mail_a": ("sent", None, None)}
    assert len(smtp.envelopes) == 1


async def test_a_mail_over_which_the_server_breaks_off_keeps_none_behind_it(store: Store, clock: Clock) -> None:
    await owed(store, clock, "a", "b")
    mailer = BreaksOff()
    worker = sending_of(store, mailer, SECRET, now_ms=lambda: clock.ms)
    with pytest.raises(MailServerAway):
        await worker.send_due()
    assert await states(store) == {"mail_a": ("due", "away", EMAIL), "mail_b": ("due", None, EMAIL)}
    await worker.send_due()
    assert mailer.taken == ["<mail_b@shop.example.com>"]


class BreaksOff:
    """A server that ends the connection whenever it is handed one certain mail."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    @asynccontextmanager
    async def session(self) -> AsyncIterator[BreaksOff]:
        yield self

    async def deliver(self, message: EmailMessage) -> None:
        if message["Message-ID"].startswith("<mail_a@"):
            raise MailServerAway("it broke off")
        self.taken.append(message["Message-ID"])


async def test_what_nobody_took_for_two_days_is_given_up(store: Store, smtp: SmtpServerAt, clock: Clock) -> None:
    await owed(store, clock, "a")
    clock.ms += LATE_MS + 1
    await sending(store, smtp.port, clock).send_due()
    assert await states(store) == {"mail_a": ("refused", "too_late", None)}


async def test_who_waits_for_a_mail_is_served_before_any_number_of_orders(
    store: Store, smtp: SmtpServerAt, clock: Clock
) -> None:
    now = timestamp(clock.ms - 60_000)
    many = [(f"ord_{number}", Language.ENGLISH, now) for number in range(2 * AT_ONCE_MAX)]
    await store.write(lambda transaction: mails.owe_confirmations(transaction, many))
    await owed(store, clock, "a")
    assert await sending(store, smtp.port, clock).send_due() == AT_ONCE_MAX
    assert (await states(store))["mail_a"][0] == "sent"


async def test_a_mail_of_nobody_is_dropped(store: Store, smtp: SmtpServerAt, clock: Clock) -> None:
    await store.write(
        lambda t: mails.owe(t, "mail_a", MailKind.RESET, EMAIL, language=Language.ENGLISH, now=timestamp(0))
    )
    await sending(store, smtp.port, clock).send_due()
    assert await states(store) == {"mail_a": ("dropped", None, None)}
    assert smtp.envelopes == []


async def test_an_order_that_cannot_be_read_keeps_no_other_mail_back(
    store: Store, smtp: SmtpServerAt, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await store.write(lambda t: t.run("INSERT INTO orders (id, customer_email) VALUES ('ord_1', 'a@example.com')"))
    broken = [("ord_1", Language.ENGLISH, timestamp(clock.ms - 1))]

    def unit(transaction: Transaction) -> None:
        transaction.run("""UPDATE orders SET cart_items = '[{"a": 1}]'""")
        mails.owe_confirmations(transaction, broken)

    await store.write(unit)
    await owed(store, clock, "a")
    await sending(store, smtp.port, clock).send_due()
    found = await states(store)
    assert found["mail_a"][0] == "sent"
    assert found["mail_ord_1"][:2] == ("due", "unreadable")
    assert "a@example.com" not in caplog.text


async def test_what_was_sent_a_week_ago_is_forgotten(store: Store, smtp: SmtpServerAt, clock: Clock) -> None:
    await owed(store, clock, "old")
    await sending(store, smtp.port, clock).send_due()
    clock.ms += KEPT_MS
    await owed(store, clock, "new")
    await forget_mails(store, clock.ms)
    assert set(await states(store)) == {"mail_new", "mail_old"}
    await forget_mails(store, clock.ms + 1)
    assert set(await states(store)) == {"mail_new"}


async def test_the_worker_sends_what_a_commit_owes_and_outlives_a_server_that_is_away(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.mail.mail_worker.BACKOFF_S", (0,))
    async with running() as smtp:
        worker = sending(store, smtp.port, clock)
        running_worker = asyncio.create_task(worker.run())
        await owed(store, clock, "a")
        await until(lambda: len(smtp.envelopes) == 1)
    await owed(store, clock, "b")
    await until(lambda: "retrying in 0 s" in caplog.text)
    running_worker.cancel()
    with suppress(asyncio.CancelledError):
        await running_worker
    assert EMAIL not in caplog.text
