"""The mail worker: sends what is owed, after the commit, until a server has taken each mail or refused it for good."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit

from ordercast.commerce.letters import MailState
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import Store, StoreError, Transaction, UnitOfWork, mails
from ordercast.db.commit_signal import CommitSignal
from ordercast.db.mails import Mail, MailOutcome
from ordercast.db.transaction import UNREADABLE
from ordercast.telemetry import MAILS

from .letters import Addressed, Letters
from .mailer import MailDelayed, Mailer, MailRefused, MailServerAway, MailSession
from .message import compose

log = logging.getLogger("ordercast.mail")

# Waits between attempts: soon after a hiccup, rarely during an outage.
BACKOFF_S: Final = (2, 5, 15, 60, 300, 900)
# What somebody is told of days later, they have found out otherwise.
LATE_MS: Final = 2 * 86_400_000
# With the pause between, thirty a second: what a load generator orders takes no more than a few hundredths of a core.
AT_ONCE_MAX: Final = 16
LOOK_EVERY_S: Final = 0.5
# Another program's commit, or a mail that came due, is found at the latest after so long.
IDLE_S: Final = 5.0
# How long it is kept that a mail was sent; whom it was for goes at once.
KEPT_MS: Final = 7 * 86_400_000
FORGOTTEN_AT_ONCE_MAX: Final = 500


class MailWorker:
    """At work on the node that leads. Two nodes may send the same mail while one takes over from the other, and one
    that dies between a server's answer and the commit sends it again: by its Message-ID it can be known.
    """

    def __init__(
        self,
        store: Store,
        mailer: Mailer,
        letters: Letters,
        *,
        sender: str,
        public_url: str,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._mailer = mailer
        self._letters = letters
        self._sender = sender
        self._domain = _domain(public_url)
        self._now_ms = now_ms
        self._failures = 0
        """How often in a row no connection was had."""
        self._unnoted: MailOutcome | None = None
        """What became of the last mail, until the database has it: before that nothing else is sent."""
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<MailWorker by {self._mailer!r}{f', away {self._failures} times' if self._failures else ''}>"

    async def run(self) -> None:
        """Send for ever; woken by each commit, and when a mail comes due."""
        while True:
            self._commits.clear()
            try:
                sent = await self.send_due()
                wait_s = 0.0 if sent == AT_ONCE_MAX else await self._wait_s()
                self._failures = 0
            except MailServerAway as away:
                wait_s = self._backoff_s(self._failures)
                self._failures += 1
                log.warning("no mail is sent for %d s: %s", wait_s, away)
                await asyncio.sleep(wait_s)
                continue
            except StoreError as error:
                log.warning("mails could not be looked up; trying again: %s", error)
                wait_s = IDLE_S
            except Exception:
                log.exception("mails could not be sent; trying again")
                wait_s = IDLE_S
            await self._commits.wait(wait_s)

    async def send_due(self) -> int:
        """Send the next mails that are due; how many were looked at. Raises MailServerAway."""
        await self._write_pending()
        now = self._now()
        found = await self._store.read(lambda transaction: self._written(transaction, now))
        messages = []
        for mail, addressed in found:
            if (message := await self._composed(mail, addressed)) is not None:
                messages.append((mail, message))
        if messages:
            async with self._mailer.session() as session:
                for mail, message in messages:
                    await self._send(session, mail, message)
        return len(found)

    def _written(self, transaction: Transaction, now: Timestamp) -> Sequence[tuple[Mail, Addressed | Exception | None]]:
        return [(mail, self._letter(transaction, mail)) for mail in mails.due(transaction, now, AT_ONCE_MAX)]

    def _letter(self, transaction: Transaction, mail: Mail) -> Addressed | Exception | None:
        try:
            return self._letters.write(transaction, mail)
        except (*UNREADABLE, StoreError) as error:  # its own rows', and no other mail's
            return error

    # --- One mail -------------------------------------------------------------------------------------------------

    async def _composed(self, mail: Mail, addressed: Addressed | Exception | None) -> EmailMessage | None:
        """The message; None where there is none to be sent now."""
        if addressed is None:
            await self._end(mail, MailState.DROPPED)
        elif mail.created_at < timestamp(self._now_ms() - LATE_MS):
            log.warning("mail %s is given up: nobody took it for two days", mail.id)
            await self._end(mail, MailState.REFUSED, "too_late")
        elif isinstance(addressed, Exception):
            log.warning("mail %s cannot be written; trying again: %s", mail.id, type(addressed).__name__)
            await self._postpone(mail, "unreadable")
        else:
            try:
                return self._compose(mail, addressed)
            except MailRefused as refusal:
                await self._refuse(mail, refusal)
        return None

    def _compose(self, mail: Mail, addressed: Addressed) -> EmailMessage:
        return compose(
            addressed.letter,
            mail_id=mail.id,
            domain=self._domain,
            sender=self._sender,
            recipient=addressed.address,
            language=mail.language,
            now_ms=self._now_ms(),
        )

    async def _send(self, session: MailSession, mail: Mail, message: EmailMessage) -> None:
        try:
            await session.deliver(message)
        except MailRefused as refusal:
            await self._refuse(mail, refusal)
        except MailDelayed as delay:
            await self._postpone(mail, delay.code)
        except MailServerAway:
            # Over this very mail, perhaps: the others go before it next time.
            await self._postpone(mail, "away")
            raise
        else:
            await self._end(mail, MailState.SENT)

    async def _refuse(self, mail: Mail, refusal: MailRefused) -> None:
        log.warning("mail %s is given up: it was refused (%s)", mail.id, refusal.code)
        await self._end(mail, MailState.REFUSED, refusal.code)

    async def _end(self, mail: Mail, state: MailState, problem: str | None = None) -> None:
        self._unnoted = MailOutcome(mail.id, state, problem)
        await self._write_pending()

    async def _write_pending(self) -> None:
        """Note what became of the last mail: one that was sent goes no second time while the database takes nothing."""
        ended = self._unnoted
        if ended is None:
            return
        await self._store.write(UnitOfWork(lambda transaction: mails.finish(transaction, [ended]), waits=False))
        self._unnoted = None
        MAILS.labels(ended.state).inc()

    async def _postpone(self, mail: Mail, problem: str) -> None:
        until = timestamp(self._now_ms() + self._backoff_s(mail.attempts) * 1000)
        await self._store.write(lambda transaction: mails.postpone(transaction, mail.id, until, problem))
        MAILS.labels("delayed").inc()

    # --- Times ----------------------------------------------------------------------------------------------------

    async def _wait_s(self) -> float:
        due_at = await self._store.read(mails.next_due)
        if due_at is None or due_at > timestamp(self._now_ms() + int(IDLE_S * 1000)):
            return IDLE_S
        return LOOK_EVERY_S

    @staticmethod
    def _backoff_s(attempts: int) -> int:
        return BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)]

    def _now(self) -> Timestamp:
        return timestamp(self._now_ms())


def _domain(public_url: str) -> str:
    """Behind the `@` of our Message-IDs: a name of ours, and so nobody else's."""
    host = urlsplit(public_url).hostname or "localhost"
    return host if host.isascii() and ":" not in host else "ordercast.invalid"


async def forget_mails(store: Store, now_ms: int) -> None:
    """Forget mails that were sent or refused a week ago, in small units between which others run."""
    before = timestamp(now_ms - KEPT_MS)

    def unit(transaction: Transaction) -> int:
        return mails.forget_ended(transaction, before, FORGOTTEN_AT_ONCE_MAX)

    while await store.write(UnitOfWork(unit, waits=False)) == FORGOTTEN_AT_ONCE_MAX:
        pass
