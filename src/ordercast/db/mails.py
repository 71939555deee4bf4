"""Mails that are to be sent: owed with the change that causes them, sent after the commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import msgspec

from ordercast.commerce.letters import Language, MailKind, MailState
from ordercast.commerce.timestamps import Timestamp

from .columns import count, flag, given_moment, identifier, index, line, moment, one_of, table, word
from .lenient_json import is_moment
from .noun import THEIR_ORDERS, Noun, PersonalData
from .statement import BulkStatement, Statement, statements_in
from .transaction import Transaction

TABLE: Final = "mails"

_IS_DUE: Final = f"state = '{MailState.DUE}'"

# What a mail says is made when it is sent, from what is known then: so no text and no token lies here, and a link that
# is good for half an hour is so from its sending on.
mails = table(
    TABLE,
    # Its Message-ID too: one that is sent twice can be known for it. That of an order's mail is made of the order's id.
    identifier("id", primary_key=True),
    word("kind"),
    # The order that it is about; its buyer's address is read there.
    identifier("order_id", optional=True),
    # The booking that it reminds of, alike; the id names the beginning too.
    identifier("booking_id", optional=True),
    # Whom any other is for, as it was typed; gone once the mail is.
    line("address", optional=True),
    word("language", default=Language.ENGLISH),
    # Somebody waits for it: sent before any number of others.
    flag("urgent", True),
    word("state", default=MailState.DUE),
    count("attempts"),
    given_moment("due_at"),
    # The code that a mail server refused it with, or our own word for it.
    word("problem", optional=True),
    moment("created_at"),
    one_of("kind", MailKind),
    one_of("language", Language),
    one_of("state", MailState),
    index("mails_due", "urgent", "due_at", where=_IS_DUE),
    index("mails_ended", "created_at", where=f"state <> '{MailState.DUE}'"),
    index("mails_by_order", "order_id", where="order_id IS NOT NULL"),
    index("mails_by_address", "address", where="address IS NOT NULL"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

ADD: Final = BulkStatement("""
    INSERT INTO mails @bulk_values(id ordercast_id, kind ordercast_word, order_id ordercast_id,
      address ordercast_line, language ordercast_word, urgent bigint, due_at ordercast_moment,
      created_at ordercast_moment)
    ON CONFLICT (id) DO NOTHING
""")
OWE_REMINDER: Final = Statement(f"""
    INSERT INTO mails (id, kind, booking_id, language, urgent, due_at, created_at)
    VALUES (:id, '{MailKind.BOOKING_REMINDER}', :booking_id, :language, 0, :due_at, :created_at)
    ON CONFLICT (id) DO NOTHING
""")
DUE: Final = Statement(f"""
    SELECT id, kind, order_id, booking_id, address, language, attempts, created_at
    FROM mails WHERE {_IS_DUE} AND urgent = :urgent AND due_at <= :now
    ORDER BY due_at LIMIT :limit
""")
NEXT_DUE: Final = Statement(f"SELECT min(due_at) FROM mails WHERE {_IS_DUE} AND urgent = :urgent")
FINISH: Final = Statement(f"""
    UPDATE mails SET state = :new_state, problem = :new_problem, attempts = attempts + 1, address = NULL
    WHERE id = :mail_id AND {_IS_DUE}
""")
POSTPONE: Final = Statement(f"""
    UPDATE mails SET attempts = attempts + 1, due_at = :new_due_at, problem = :new_problem
    WHERE id = :mail_id AND {_IS_DUE}
""")
FORGET_ADDRESS: Final = Statement("DELETE FROM mails WHERE address = :address")
FORGET_ENDED: Final = Statement(f"""
    DELETE FROM mails WHERE id IN (
      SELECT id FROM mails WHERE state <> '{MailState.DUE}' AND created_at < :before
      LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")

NOUN: Final = Noun(
    name="mails",
    tables=(mails,),
    statements=statements_in(globals()),
    # Those that are for an address, and not sent yet, are taken away by `forget_address`.
    personal={"mails": PersonalData(THEIR_ORDERS, ("order_id", "kind", "language", "state", "created_at"))},
)

# --- Units of work ----------------------------------------------------------------------------------------------------

# As many as may be unreadable before those behind them wait for a repair.
LOOKED_THROUGH_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Mail:
    """One that is due. An order's is known by its order, any other by the address that it is for."""

    id: str
    kind: MailKind
    order_id: str | None
    booking_id: str | None
    address: str | None
    language: Language
    attempts: int
    created_at: Timestamp


class MailOutcome(NamedTuple):
    mail_id: str
    state: MailState
    problem: str | None = None


# --- Owing ------------------------------------------------------------------------------------------------------------


def owe(
    transaction: Transaction, mail_id: str, kind: MailKind, address: str, *, language: Language, now: Timestamp
) -> None:
    """Have a mail sent to an address, once this unit's commit is durable."""
    transaction.many(ADD, [_row(mail_id, kind, language, now, address=address)])


def owe_confirmations(transaction: Transaction, orders: Iterable[tuple[str, Language, Timestamp]]) -> None:
    """Have the buyers of new orders told of them, each once: the orders' ids, with the language and moment of each."""
    rows = [
        _row(mail_of_order(order_id), MailKind.ORDER_PLACED, language, now, order_id=order_id)
        for order_id, language, now in orders
    ]
    if rows:
        transaction.many(ADD, rows)


def owe_reminder(transaction: Transaction, booking_id: str, starts_at: str, language: Language, now: Timestamp) -> None:
    """Have the customer of a booking reminded of it, once for that beginning."""
    transaction.run(
        OWE_REMINDER,
        id=mail_of_reminder(booking_id, starts_at),
        booking_id=booking_id,
        language=language,
        due_at=now,
        created_at=now,
    )


def mail_of_reminder(booking_id: str, starts_at: str) -> str:
    """The id of the mail that reminds of a booking that begins then."""
    return f"mail_{booking_id}_{''.join(filter(str.isdigit, starts_at[:16]))}"


def mail_of_order(order_id: str) -> str:
    """The id of the mail that tells of a new order."""
    return f"mail_{order_id}"


def _row(
    mail_id: str,
    kind: MailKind,
    language: Language,
    now: Timestamp,
    *,
    order_id: str | None = None,
    address: str | None = None,
) -> dict[str, Any]:
    return {
        "id": mail_id,
        "kind": kind,
        "order_id": order_id,
        "address": address,
        "language": language,
        "urgent": int(order_id is None),
        "due_at": now,
        "created_at": now,
    }


# --- Sending ----------------------------------------------------------------------------------------------------------


def due(transaction: Transaction, now: Timestamp, limit: int) -> list[Mail]:
    """The mails to be sent now, those first that somebody waits for."""
    found = _due(transaction, now, limit, urgent=1)
    if len(found) < limit:
        found += _due(transaction, now, limit - len(found), urgent=0)
    return found


def _due(transaction: Transaction, now: Timestamp, wanted: int, *, urgent: int) -> list[Mail]:
    """Those that cannot be read keep none behind them from being sent."""
    limit = wanted
    while True:
        rows = transaction.all(DUE, urgent=urgent, now=now, limit=limit)
        found = transaction.readable(rows, _mail, TABLE)
        if found or len(rows) < limit or limit >= LOOKED_THROUGH_MAX:
            return found[:wanted]
        limit *= 2


def _mail(row: tuple[Any, ...]) -> Mail:
    id_, kind, order_id, booking_id, address, language, attempts, created_at = msgspec.convert(row, _MailRow)
    if not is_moment(created_at):
        raise ValueError("created_at is no moment")
    return Mail(id_, kind, order_id, booking_id, address, language, attempts, cast(Timestamp, created_at))


_MailRow = tuple[str, MailKind, str | None, str | None, str | None, Language, int, str]


def next_due(transaction: Transaction) -> str | None:
    """When the next mail is due; None while there is none."""
    rows = (transaction.one(NEXT_DUE, urgent=urgent) for urgent in (1, 0))
    return min((row[0] for row in rows if row is not None and row[0] is not None), default=None)


def finish(transaction: Transaction, ended: Iterable[MailOutcome]) -> None:
    """Note what became of mails. Whom they were for is forgotten."""
    for mail_id, state, problem in ended:
        transaction.run(FINISH, mail_id=mail_id, new_state=state, new_problem=problem)


def postpone(transaction: Transaction, mail_id: str, until: Timestamp, problem: str) -> None:
    """Try again from `until` on."""
    transaction.run(POSTPONE, mail_id=mail_id, new_due_at=until, new_problem=problem)


def forget_address(transaction: Transaction, address: str) -> None:
    """Send nothing more to the address that is due now."""
    transaction.run(FORGET_ADDRESS, address=address)


def forget_ended(transaction: Transaction, before: Timestamp, limit: int) -> int:
    """Forget mails that were owed before then and are no longer due; gives how many."""
    return transaction.run(FORGET_ENDED, before=before, limit=limit)
