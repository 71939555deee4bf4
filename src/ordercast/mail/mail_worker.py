"""The mail worker: sends due mails until a server has accepted or permanently refused each."""

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

from .letters import AddressedLetter, Letters
from .mailer import MailDelayed, Mailer, MailRefused, MailServerAway, MailSession
from .message import compose

log = logging.getLogger("ordercast.mail")

# Waits between attempts, in seconds: short after a hiccup, long during an outage.
BACKOFF_S: Final = (2, 5, 15, 60, 300, 900)
# Older mails are stale, and are not sent.
LATE_MS: Final = 2 * 86_400_000
# With the pause between batches thirty a second: a load generator's orders take a few hundredths of a core.
AT_ONCE_MAX: Final = 16
LOOK_EVERY_S: Final = 0.5
# At most so long until another program's commit, or a mail that came due, is found.
IDLE_S: Final = 5.0
# Ended mails are kept for so long; addresses are removed at once.
KEPT_MS: Final = 7 * 86_400_000
FORGOTTEN_AT_ONCE_MAX: Final = 500


class MailWorker:
    """Runs on the leading node. While one node takes over from another, or if it dies between the server's answer and
    the commit, a mail may be sent twice, with the same Message-ID.
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
        """Consecutive failed connections."""
        self._pending_outcome: MailOutcome | None = None
        """The last mail's outcome, until it is written; nothing else is sent before."""
        self._commits = CommitSignal(store, LOOK_EVERY_S)

    def __repr__(self) -> str:
        return f"<MailWorker by {self._mailer!r}{f', away {self._failures} times' if self._failures else ''}>"

    async def run(self) -> None:
        """Run forever; woken by each commit, and when a mail comes due."""
        while True:
            self._commits.clear()
            try:
                sent = await self.send_due()
                wait_s = 0.0 if sent == AT_ONCE_MAX else await self._wait_s()
                self._failures = 0
            except MailServerAway as away:
                wait_s = self._backoff_s(self._failures)
                self._failures += 1
                log.warning("could not reach the mail server; retrying in %d s: %s", wait_s, away)
                await asyncio.sleep(wait_s)
                continue
            except StoreError as error:
                log.warning("could not read due mails; retrying: %s", error)
                wait_s = IDLE_S
            except Exception:
                log.exception("could not send mails; retrying")
                wait_s = IDLE_S
            await self._commits.wait(wait_s)

    async def send_due(self) -> int:
        """Send the next batch of due mails; return its size. Raises MailServerAway."""
        await self._write_pending()
        now = self._now()
        found = await self._store.read(lambda transaction: self._written(transaction, now))
        messages = []
        for mail, letter in found:
            if (message := await self._composed(mail, letter)) is not None:
                messages.append((mail, message))
        if messages:
            async with self._mailer.session() as session:
                for mail, message in messages:
                    await self._send(session, mail, message)
        return len(found)

    def _written(
        self, transaction: Transaction, now: Timestamp
    ) -> Sequence[tuple[Mail, AddressedLetter | Exception | None]]:
        return [(mail, self._letter(transaction, mail)) for mail in mails.due(transaction, now, AT_ONCE_MAX)]

    def _letter(self, transaction: Transaction, mail: Mail) -> AddressedLetter | Exception | None:
        try:
            return self._letters.write(transaction, mail)
        except (*UNREADABLE, StoreError) as error:  # only this mail's own rows are damaged
            return error

    # --- One mail -------------------------------------------------------------------------------------------------

    async def _composed(self, mail: Mail, letter: AddressedLetter | Exception | None) -> EmailMessage | None:
        """Compose the message; None if there is none to send now."""
        if letter is None:
            await self._end(mail, MailState.DROPPED)
        elif mail.created_at < timestamp(self._now_ms() - LATE_MS):
            log.warning("mail %s is given up: nobody took it for two days", mail.id)
            await self._end(mail, MailState.REFUSED, "too_late")
        elif isinstance(letter, Exception):
            log.warning("mail %s cannot be written; trying again: %s", mail.id, type(letter).__name__)
            await self._postpone(mail, "unreadable")
        else:
            try:
                return self._compose(mail, letter)
            except MailRefused as refusal:
                await self._refuse(mail, refusal)
        return None

    def _compose(self, mail: Mail, letter: AddressedLetter) -> EmailMessage:
        return compose(
            letter.letter,
            mail_id=mail.id,
            domain=self._domain,
            sender=self._sender,
            recipient=letter.address,
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
            # Perhaps because of this mail: the others go first next time.
            await self._postpone(mail, "away")
            raise
        else:
            await self._end(mail, MailState.SENT)

    async def _refuse(self, mail: Mail, refusal: MailRefused) -> None:
        log.warning("mail %s is given up: it was refused (%s)", mail.id, refusal.code)
        await self._end(mail, MailState.REFUSED, refusal.code)

    async def _end(self, mail: Mail, state: MailState, problem: str | None = None) -> None:
        self._pending_outcome = MailOutcome(mail.id, state, problem)
        await self._write_pending()

    async def _write_pending(self) -> None:
        """Write the last mail's outcome; while this fails nothing is sent, so no mail is sent twice."""
        ended = self._pending_outcome
        if ended is None:
            return
        await self._store.write(UnitOfWork(lambda transaction: mails.finish(transaction, [ended]), waits=False))
        self._pending_outcome = None
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
    """The domain of our Message-IDs: our own host name."""
    host = urlsplit(public_url).hostname or "localhost"
    return host if host.isascii() and ":" not in host else "ordercast.invalid"


async def forget_mails(store: Store, now_ms: int) -> None:
    """Delete mails that ended a week ago, in small units of work so that others run in between."""
    before = timestamp(now_ms - KEPT_MS)

    def unit(transaction: Transaction) -> int:
        return mails.forget_ended(transaction, before, FORGOTTEN_AT_ONCE_MAX)

    while await store.write(UnitOfWork(unit, waits=False)) == FORGOTTEN_AT_ONCE_MAX:
        pass
