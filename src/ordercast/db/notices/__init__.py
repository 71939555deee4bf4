"""Units of work on proof of notice: noting which screens and people have noticed an order or a booking, and looking at
that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from ordercast.commerce.notice import SCREENS_MAX, Notice, NoticeStep, NoticeSubject, Opening, Receipt
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import accounts
from ordercast.db.lenient_json import is_moment
from ordercast.db.noun import Impersonal, Noun
from ordercast.db.statement import BulkStatement, statements_in
from ordercast.db.transaction import Transaction

from . import statements
from .table import notice_escalations, notices, notices_sent
from .triggers import TRIGGERS

TABLE: Final = "notices"

NOUN: Final = Noun(
    name="notices",
    tables=(notices, notices_sent, notice_escalations),
    statements=statements_in(vars(statements)),
    triggers=TRIGGERS,
    personal={
        "notices": Impersonal("when the shop's own people noticed an order or a booking"),
        "notices_sent": Impersonal("when an order or a booking was sent to the shop's own screens"),
        "notice_escalations": Impersonal("what was done about those that nobody had opened"),
    },
)

# --- Noting -----------------------------------------------------------------------------------------------------------


class FirstSend(NamedTuple):
    """An event was written to a socket of the shop's people."""

    committed_at: str
    at: Timestamp


@dataclass(slots=True)
class NoticeBatch:
    """What was noticed since the last batch, by what it is about."""

    sent: dict[str, FirstSend] = field(default_factory=dict)
    receipts: dict[str, list[Receipt]] = field(default_factory=dict)
    openings: dict[str, list[Opening]] = field(default_factory=dict)

    @property
    def noticed(self) -> list[str]:
        """What a screen or a person has noticed, in order."""
        return sorted(self.receipts.keys() | self.openings.keys())


class BatchOutcome(NamedTuple):
    """What a batch has come to."""

    known: frozenset[str]
    """Of what was noticed, that which there is at all."""
    first_screens_s: tuple[float, ...]
    """From commit to the first screen, of those that had reached none before."""
    first_people_s: tuple[float, ...]


def record(transaction: Transaction, batch: NoticeBatch) -> BatchOutcome:
    """Note a batch. Again it changes nothing; what came first stays first, whichever node it was on."""
    _record_sent(transaction, batch.sent)
    ids = batch.noticed
    if not ids:
        return BatchOutcome(frozenset(), (), ())
    named = _json(ids)
    _begin(transaction, named)
    screens_s: list[float] = []
    people_s: list[float] = []
    known: set[str] = set()
    # One that cannot be read is not known: who noticed it is not answered that it was noted.
    for noted in transaction.readable(transaction.all(statements.NOTED, ids=named), _noted, TABLE):
        known.add(noted.id)
        before = noted.notice
        after = before.with_receipts(batch.receipts.get(noted.id, ())).with_openings(batch.openings.get(noted.id, ()))
        if after == before:
            continue
        _save(transaction, noted.id, after)
        if before.received_at is None and after.received_at is not None:
            screens_s.append(_seconds(noted.committed_at, after.received_at))
        if before.opened_at is None and after.opened_at is not None:
            people_s.append(_seconds(noted.committed_at, after.opened_at))
    return BatchOutcome(frozenset(known), tuple(screens_s), tuple(people_s))


def _record_sent(transaction: Transaction, sent: Mapping[str, FirstSend]) -> None:
    rows = [{"entity_id": id_, "committed_at": each.committed_at, "sent_at": each.at} for id_, each in sent.items()]
    _add(transaction, statements.SENT, rows)


def _begin(transaction: Transaction, named: str) -> None:
    """Have a row for each of those that there are."""
    found = dict(transaction.all(statements.COMMITTED, ids=named))
    rows = [{"entity_id": id_, "committed_at": at} for id_, at in found.items()]
    _add(transaction, statements.BEGIN, rows)


def _add(transaction: Transaction, statement: BulkStatement, rows: list[dict[str, Any]]) -> None:
    """Add rows, in one order for every node. One that the database refuses, for another program has written of an order
    what is no moment or id, keeps no other from it.
    """
    rows.sort(key=itemgetter("entity_id"))
    if not rows:
        return
    try:
        transaction.attempt(lambda part: part.many(statement, rows))
    except Exception as error:
        if not transaction.is_of_row(error):
            raise
        for row in rows if len(rows) > 1 else ():
            _add(transaction, statement, [row])


def _save(transaction: Transaction, entity_id: str, notice: Notice) -> None:
    transaction.run(
        statements.NOTE,
        notice_id=entity_id,
        new_received_at=notice.received_at,
        new_received_by=notice.received_by,
        new_screens=_json(notice.screens),
        new_opened_at=notice.opened_at,
        new_opened_by=notice.opened_by,
    )


class _NoticeRow(NamedTuple):
    id: str
    notice: Notice
    committed_at: str


def _noted(row: tuple[Any, ...]) -> _NoticeRow:
    entity_id, received_at, received_by, screens, opened_at, opened_by, committed_at = row
    for moment in (received_at, opened_at):
        if moment is not None and not is_moment(moment):
            raise ValueError("it has a moment that is none")
    if not is_moment(committed_at):
        raise ValueError("committed_at is no moment")
    notice = Notice(received_at, received_by, msgspec.json.decode(screens, type=tuple[str, ...]), opened_at, opened_by)
    return _NoticeRow(entity_id, notice, committed_at)


# --- Looking ----------------------------------------------------------------------------------------------------------


class SentNotice(Struct, frozen=True, rename="camel"):
    """The event was first written to a socket of the shop's people."""

    at: str
    seconds: float
    """Since it was committed."""


class ReceivedNotice(SentNotice, frozen=True, kw_only=True, rename="camel"):
    """A screen has first said that it has painted it."""

    by: str
    """Whose screen it was, as `store:usr_...`."""
    name: str | None
    """Their name; null for who has no account here."""
    screens: int
    """How many screens have said so."""
    screens_more: bool
    """There may be more than those, which were not counted."""


class OpenedNotice(SentNotice, frozen=True, kw_only=True, rename="camel"):
    """A person of the shop has first opened it, or moved it."""

    by: str
    """Who it was, as `store:usr_...`."""
    name: str | None
    """Their name; null for who has no account here."""
    how: str
    """`opened`, or `moved` by whatever means."""


class TakenStep(Struct, frozen=True, rename="camel"):
    """What was done while nobody had opened it."""

    step: NoticeStep
    """The board says so louder, the shop's people are sent a push or a mail, its own systems are told."""
    at: str


class EntityNotice(Struct, frozen=True, rename="camel"):
    """How the shop noticed something; null is what has not happened, or is not known to have."""

    committed_at: str | None
    """The moment on it, which is before its commit; null for an order of another system that nobody noticed."""
    sent: SentNotice | None
    """Null too where the first screen came later, and was given it by a list or by a replay."""
    received: ReceivedNotice | None
    """Only what a screen has said: a client that says nothing may show it all the same."""
    opened: OpenedNotice | None
    """Who looks at it by the API has not opened it: programs do that too."""
    escalations: list[TakenStep]
    """What was done while nobody had opened it, each step once."""


class OrderNotice(EntityNotice, frozen=True, kw_only=True, rename="camel"):
    """How the shop noticed an order; null is what has not happened, or is not known to have."""

    order_id: str


class BookingNotice(EntityNotice, frozen=True, kw_only=True, rename="camel"):
    """How the shop noticed a booking; null is what has not happened, or is not known to have."""

    booking_id: str


def order_notice(transaction: Transaction, order_id: str) -> OrderNotice:
    """How the shop noticed an order, of which it is known that there is one."""
    seen = _entity_notice(transaction, NoticeSubject.ORDER, order_id)
    return OrderNotice(*msgspec.structs.astuple(seen), order_id=order_id)


def booking_notice(transaction: Transaction, booking_id: str) -> BookingNotice:
    """The same of a booking."""
    seen = _entity_notice(transaction, NoticeSubject.BOOKING, booking_id)
    return BookingNotice(*msgspec.structs.astuple(seen), booking_id=booking_id)


def _entity_notice(transaction: Transaction, subject: NoticeSubject, id_: str) -> EntityNotice:
    row = transaction.one(statements.OF_ENTITY, id=id_)
    rows = [] if row is None else transaction.readable([row], _noted, TABLE)
    noted = rows[0] if rows else None
    notice = Notice() if noted is None else noted.notice
    committed_at = _committed_at(transaction, id_) if noted is None else noted.committed_at
    sent_at = _sent_at(transaction, id_)
    opening = _opening(transaction, subject, id_, notice)
    names = accounts.names(transaction, [by for by in (notice.received_by, opening and opening[0].by) if by])
    steps = transaction.readable(
        transaction.all(statements.ESCALATIONS, id=id_), lambda row: TakenStep(NoticeStep(row[0]), row[1]), TABLE
    )
    return EntityNotice(
        committed_at,
        None if sent_at is None or committed_at is None else SentNotice(sent_at, _seconds(committed_at, sent_at)),
        _received(notice, committed_at, names),
        _opened(opening, committed_at, names),
        sorted(steps, key=lambda step: (step.at, [*NoticeStep].index(step.step))),
    )


def _sent_at(transaction: Transaction, id_: str) -> str | None:
    row = transaction.one(statements.SENT_AT, id=id_)
    return row[0] if row is not None and is_moment(row[0]) else None


def _committed_at(transaction: Transaction, id_: str) -> str | None:
    """None of an order that lives elsewhere, and that nobody was sent."""
    found = dict(transaction.all(statements.COMMITTED, ids=_json([id_])))
    return found[id_] if is_moment(found.get(id_)) else None


def _opening(transaction: Transaction, subject: NoticeSubject, id_: str, notice: Notice) -> tuple[Opening, str] | None:
    """Who first opened or moved it, and which of the two they did."""
    found: list[tuple[Opening, str]] = []
    if notice.opened_at is not None and notice.opened_by is not None:
        found.append((Opening(notice.opened_by, notice.opened_at), "opened"))
    row = transaction.one(statements.FIRST_MOVE[subject], id=id_)
    if row is not None and is_moment(row[0]):
        found.append((Opening(row[1], row[0]), "moved"))
    return min(found, key=lambda each: each[0].at, default=None)


def _received(notice: Notice, committed_at: str | None, names: Mapping[str, str]) -> ReceivedNotice | None:
    at, by = notice.received_at, notice.received_by
    if at is None or by is None or committed_at is None:
        return None
    count = len(notice.screens)
    return ReceivedNotice(
        at,
        _seconds(committed_at, at),
        by=by,
        name=names.get(by),
        screens=count,
        screens_more=count >= SCREENS_MAX,
    )


def _opened(
    opening: tuple[Opening, str] | None, committed_at: str | None, names: Mapping[str, str]
) -> OpenedNotice | None:
    if opening is None or committed_at is None:
        return None
    (by, at), how = opening
    return OpenedNotice(at, _seconds(committed_at, at), by=by, name=names.get(by), how=how)


def _seconds(begin: str, end: str) -> float:
    """Never less than nothing: another program's clock, or another node's, may be ahead of ours."""
    lasted_s = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    return max(0.0, round(lasted_s, 3))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
