"""Units of work on notices: recording when an order or booking was sent, received and opened, and reading that."""

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
    """When an event was first written to a staff socket."""

    committed_at: str
    at: Timestamp


@dataclass(slots=True)
class NoticeBatch:
    """Notices collected since the last batch, by order or booking."""

    sent: dict[str, FirstSend] = field(default_factory=dict)
    receipts: dict[str, list[Receipt]] = field(default_factory=dict)
    openings: dict[str, list[Opening]] = field(default_factory=dict)

    @property
    def noticed(self) -> list[str]:
        """The ids that a screen received or a person opened, sorted."""
        return sorted(self.receipts.keys() | self.openings.keys())


class BatchOutcome(NamedTuple):
    """The result of recording a batch."""

    known: frozenset[str]
    """The ids that exist."""
    first_screens_s: tuple[float, ...]
    """Seconds from commit to the first screen, of those that had reached none before."""
    first_people_s: tuple[float, ...]


def record(transaction: Transaction, batch: NoticeBatch) -> BatchOutcome:
    """Record a batch. Idempotent; the first time of each kind stays, whichever node recorded it."""
    _record_sent(transaction, batch.sent)
    ids = batch.noticed
    if not ids:
        return BatchOutcome(frozenset(), (), ())
    named = _json(ids)
    _begin(transaction, named)
    screens_s: list[float] = []
    people_s: list[float] = []
    known: set[str] = set()
    # A damaged row is not known: its notice is not acknowledged.
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
    """Insert the missing rows."""
    found = dict(transaction.all(statements.COMMITTED, ids=named))
    rows = [{"entity_id": id_, "committed_at": at} for id_, at in found.items()]
    _add(transaction, statements.BEGIN, rows)


def _add(transaction: Transaction, statement: BulkStatement, rows: list[dict[str, Any]]) -> None:
    """Insert rows, in the same order on each node. A row that the database refuses, as another program damaged its
    order, is skipped.
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
    """When the event was first written to a staff socket."""

    at: str
    seconds: float
    """Seconds since the commit."""


class ReceivedNotice(SentNotice, frozen=True, kw_only=True, rename="camel"):
    """The first screen that painted it."""

    by: str
    """The user of that screen, as `store:usr_...`."""
    name: str | None
    """Their name; null without a local account."""
    screens: int
    """The number of screens that painted it."""
    screens_more: bool
    """There may be more, which were not counted."""


class OpenedNotice(SentNotice, frozen=True, kw_only=True, rename="camel"):
    """The first of the staff who opened or moved it."""

    by: str
    """The user, as `store:usr_...`."""
    name: str | None
    """Their name; null without a local account."""
    how: str
    """`opened`, or `moved`."""


class TakenStep(Struct, frozen=True, rename="camel"):
    """An escalation step that was taken while it was unopened."""

    step: NoticeStep
    """The board rings louder, staff are sent a push or a mail, or the shop's systems get the event."""
    at: str


class EntityNotice(Struct, frozen=True, rename="camel"):
    """When it was sent, received and opened; null for what has not happened, or is not known."""

    committed_at: str | None
    """Its time, just before its commit; null for an order of another system without notices."""
    sent: SentNotice | None
    """Null too if the first screen loaded it by a list or a replay."""
    received: ReceivedNotice | None
    """As acknowledged by a screen: a client without acknowledgements may show it all the same."""
    opened: OpenedNotice | None
    """Reading it by the API is not opening it: programs do that too."""
    escalations: list[TakenStep]
    """The escalation steps that were taken, each once."""


class OrderNotice(EntityNotice, frozen=True, kw_only=True, rename="camel"):
    """When an order was sent, received and opened; null for what has not happened, or is not known."""

    order_id: str


class BookingNotice(EntityNotice, frozen=True, kw_only=True, rename="camel"):
    """When a booking was sent, received and opened; null for what has not happened, or is not known."""

    booking_id: str


def order_notice(transaction: Transaction, order_id: str) -> OrderNotice:
    """The notices of an existing order."""
    seen = _entity_notice(transaction, NoticeSubject.ORDER, order_id)
    return OrderNotice(*msgspec.structs.astuple(seen), order_id=order_id)


def booking_notice(transaction: Transaction, booking_id: str) -> BookingNotice:
    """The notices of an existing booking."""
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
    """None for an order of another system that was never sent."""
    found = dict(transaction.all(statements.COMMITTED, ids=_json([id_])))
    return found[id_] if is_moment(found.get(id_)) else None


def _opening(transaction: Transaction, subject: NoticeSubject, id_: str, notice: Notice) -> tuple[Opening, str] | None:
    """Who first opened or moved it, and which."""
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
    """The seconds between two times; at least 0, as clocks of nodes and programs differ."""
    lasted_s = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    return max(0.0, round(lasted_s, 3))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
