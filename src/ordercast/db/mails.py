"""The outbox of mails: written with the change that causes them, sent after the commit."""

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

# Texts are rendered when a mail is sent: neither text nor token is stored, and a link's validity begins at sending.
mails = table(
    TABLE,
    # Also its Message-ID, so a duplicate is recognizable. An order's mail has an id derived from the order's.
    identifier("id", primary_key=True),
    word("kind"),
    # The order, whose customer is the recipient.
    identifier("order_id", optional=True),
    # The booking of a reminder; the mail's id contains the beginning.
    identifier("booking_id", optional=True),
    # The recipient of any other mail; removed once it has ended.
    line("address", optional=True),
    word("language", default=Language.ENGLISH),
    # Sent before others: its recipient is waiting.
    flag("urgent", True),
    word("state", default=MailState.DUE),
    count("attempts"),
    given_moment("due_at"),
    # The server's code of a refusal, or a word of ours.
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
# In the language of its confirmation; without one, mail is off, or too much of it was sent.
OWE_PROMISE: Final = Statement(f"""
    INSERT INTO mails (id, kind, order_id, language, urgent, due_at, created_at)
    SELECT :id, '{MailKind.ORDER_PROMISED}', order_id, language, 0, :due_at, :created_at
    FROM mails WHERE id = :confirmation
    ON CONFLICT (id) DO NOTHING
""")
EARLIER_PROMISES: Final = Statement(f"""
    SELECT count(*) FROM mails
    WHERE order_id = :order_id AND kind = '{MailKind.ORDER_PROMISED}' AND id <> :id AND created_at <= :created_at
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
    # Unsent mails to an address are deleted by `forget_address`.
    personal={"mails": PersonalData(THEIR_ORDERS, ("order_id", "kind", "language", "state", "created_at"))},
)

# --- Units of work ----------------------------------------------------------------------------------------------------

# Damaged rows skipped at most, before readable ones behind them wait for a repair.
LOOKED_THROUGH_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Mail:
    """A due mail: about an order or booking, or to an address."""

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
    """Queue a mail to an address."""
    transaction.many(ADD, [_row(mail_id, kind, language, now, address=address)])


def owe_confirmations(transaction: Transaction, orders: Iterable[tuple[str, Language, Timestamp]]) -> None:
    """Queue one confirmation for each new order: ids, with language and time."""
    rows = [
        _row(mail_of_order(order_id), MailKind.ORDER_PLACED, language, now, order_id=order_id)
        for order_id, language, now in orders
    ]
    if rows:
        transaction.many(ADD, rows)


def owe_reminder(transaction: Transaction, booking_id: str, starts_at: str, language: Language, now: Timestamp) -> None:
    """Queue one reminder for a booking's beginning."""
    transaction.run(
        OWE_REMINDER,
        id=mail_of_reminder(booking_id, starts_at),
        booking_id=booking_id,
        language=language,
        due_at=now,
        created_at=now,
    )


def owe_promise(transaction: Transaction, order_id: str, promised_at: str, now: Timestamp) -> None:
    """Queue one mail that says for when an order is promised, to whoever had a confirmation."""
    transaction.run(
        OWE_PROMISE,
        id=mail_of_promise(order_id, promised_at),
        confirmation=mail_of_order(order_id),
        due_at=now,
        created_at=now,
    )


def was_promised(transaction: Transaction, mail: Mail) -> bool:
    """Whether a mail has told, or will tell, of a time before this one."""
    assert mail.order_id is not None
    row = transaction.one(EARLIER_PROMISES, order_id=mail.order_id, id=mail.id, created_at=mail.created_at)
    assert row is not None
    return bool(row[0])


def mail_of_promise(order_id: str, promised_at: str) -> str:
    """The id of the mail that tells of that time."""
    return f"mail_{order_id}_{''.join(filter(str.isdigit, promised_at))}"


def mail_of_reminder(booking_id: str, starts_at: str) -> str:
    """The id of the reminder for that beginning."""
    return f"mail_{booking_id}_{''.join(filter(str.isdigit, starts_at[:16]))}"


def mail_of_order(order_id: str) -> str:
    """The id of an order's confirmation."""
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
    """The due mails, urgent ones first."""
    found = _due(transaction, now, limit, urgent=1)
    if len(found) < limit:
        found += _due(transaction, now, limit - len(found), urgent=0)
    return found


def _due(transaction: Transaction, now: Timestamp, wanted: int, *, urgent: int) -> list[Mail]:
    """Damaged rows are skipped."""
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
    """When the next mail is due; None if there is none."""
    rows = (transaction.one(NEXT_DUE, urgent=urgent) for urgent in (1, 0))
    return min((row[0] for row in rows if row is not None and row[0] is not None), default=None)


def finish(transaction: Transaction, ended: Iterable[MailOutcome]) -> None:
    """Write the outcomes of mails, and remove their addresses."""
    for mail_id, state, problem in ended:
        transaction.run(FINISH, mail_id=mail_id, new_state=state, new_problem=problem)


def postpone(transaction: Transaction, mail_id: str, until: Timestamp, problem: str) -> None:
    """Make it due again at `until`."""
    transaction.run(POSTPONE, mail_id=mail_id, new_due_at=until, new_problem=problem)


def forget_address(transaction: Transaction, address: str) -> None:
    """Delete due mails to the address."""
    transaction.run(FORGET_ADDRESS, address=address)


def forget_ended(transaction: Transaction, before: Timestamp, limit: int) -> int:
    """Delete at most `limit` ended mails queued before then; return how many."""
    return transaction.run(FORGET_ENDED, before=before, limit=limit)
