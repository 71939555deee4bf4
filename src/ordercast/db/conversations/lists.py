"""Somebody's conversations by their last message, and what is unread in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ordercast.db.transaction import Transaction

from . import TABLE, Conversation, conversation_of, statements
from .messages import Message, message_of

# Conversations that are counted: whoever has more waiting is helped by no figure.
UNREAD_COUNTED_MAX: Final = 1_000
_OWN: Final = 3
_STATE: Final = _OWN + len(Conversation.__struct_fields__)
_ID: Final = _OWN + Conversation.__struct_fields__.index("id")
_LAST_AT: Final = _OWN + Conversation.__struct_fields__.index("last_at")


class ListEntry(NamedTuple):
    """A conversation in somebody's list."""

    conversation: Conversation
    participant: str
    unread: int
    customer: str | None
    """How the customer is called."""
    last_message: Message | None


@dataclass(frozen=True, slots=True)
class Unread:
    """How many messages are unread; with `more`, in the first `UNREAD_COUNTED_MAX` conversations that have any."""

    count: int
    more: bool = False


def newest(
    transaction: Transaction, whose: str, *, before: tuple[str, str] | None, unread_only: bool, limit: int
) -> tuple[list[ListEntry], tuple[str, str] | None]:
    """The next conversations of a list behind the place `before`, by their last message; and where the next page
    begins, None at the end.
    """
    before_at, before_id = ("~", "") if before is None else before
    statement = statements.NEWEST_UNREAD if unread_only else statements.NEWEST
    rows = transaction.all(statement, whose=whose, before_at=before_at, before_id=before_id, limit=limit + 1)
    ids = [(row[_ID], row) for row in rows[:limit]]
    found = transaction.readable(ids, lambda each: _list_entry(each[1]), TABLE)
    last = rows[limit - 1] if len(rows) > limit else None
    return found, None if last is None else (last[_LAST_AT], last[_ID])


def _list_entry(row: tuple[Any, ...]) -> ListEntry:
    participant, unread, customer = row[:_OWN]
    conversation = conversation_of(row[_OWN:_STATE])
    message = None if row[_STATE] is None else message_of(row[_STATE:])
    return ListEntry(conversation, participant, unread, customer, message)


def unread(transaction: Transaction, whose: str) -> Unread:
    """How much somebody has not read, in all their conversations."""
    row = transaction.one(statements.UNREAD, whose=whose, limit=UNREAD_COUNTED_MAX)
    conversations, count = row or (0, 0)
    return Unread(int(count), conversations == UNREAD_COUNTED_MAX)
