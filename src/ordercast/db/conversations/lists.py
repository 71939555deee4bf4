"""Conversation lists, by last message, and unread counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ordercast.db.transaction import Transaction

from . import TABLE, Conversation, conversation_of, statements
from .messages import Message, message_of

# Conversations counted; beyond that the number says nothing.
UNREAD_COUNTED_MAX: Final = 1_000
_OWN: Final = 3
_STATE: Final = _OWN + len(Conversation.__struct_fields__)
_ID: Final = _OWN + Conversation.__struct_fields__.index("id")
_LAST_AT: Final = _OWN + Conversation.__struct_fields__.index("last_at")


class ListEntry(NamedTuple):
    """An entry of a conversation list."""

    conversation: Conversation
    participant: str
    unread: int
    customer: str | None
    """The customer's name."""
    last_message: Message | None


@dataclass(frozen=True, slots=True)
class Unread:
    """The number of unread messages; `more` if there are more than `UNREAD_COUNTED_MAX` conversations with any."""

    count: int
    more: bool = False


def newest(
    transaction: Transaction, whose: str, *, before: tuple[str, str] | None, unread_only: bool, limit: int
) -> tuple[list[ListEntry], tuple[str, str] | None]:
    """A page of a list after the position `before`, by last message, and the next page's position, None at the end."""
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
    """The unread count over all of a list's conversations."""
    row = transaction.one(statements.UNREAD, whose=whose, limit=UNREAD_COUNTED_MAX)
    conversations, count = row or (0, 0)
    return Unread(int(count), conversations == UNREAD_COUNTED_MAX)
