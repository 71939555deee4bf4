"""Units of work on messages. Authorization is the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.conversations import role_of
from ordercast.commerce.errors import EditConflict, MessageGone, NotFound, TooManyEdits
from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import feed
from ordercast.db.errors import WriteConflict
from ordercast.db.idempotency import KeyReused
from ordercast.db.lenient_json import read_json
from ordercast.db.transaction import Transaction

from . import Conversation, statements

TABLE: Final = "messages"
# Each edit keeps the former text.
EDITS_MAX: Final = 100


class Sender(Struct, frozen=True):
    participant: str
    """The participant: ``store``, ``customer``, or a role and an id."""
    role: str


class Message(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message. A deleted one keeps its position and has no text."""

    id: str
    conversation_id: str
    position: int
    """Its position in the conversation, counted from one."""
    client_id: str | None
    sender: Sender
    text: str
    attachments: list[Any]
    version: int
    created_at: str
    edited_at: str | None
    deleted_at: str | None


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to insert, by `sender` as `participant`; `client_id` is the client's idempotency key."""

    id: str
    conversation_id: str
    participant: str
    sender: str
    text: str
    client_id: str | None = None
    attachments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class SentMessage:
    message: Message
    replayed: bool
    """Whether it existed already."""


# --- Writing ----------------------------------------------------------------------------------------------------------


def send(
    transaction: Transaction, conversation: Conversation, new: NewMessage, *, actor: Actor, now: Timestamp
) -> SentMessage:
    """Append a message to a locked conversation, or return the one with the same client id. Raises KeyReused if that
    has other content.
    """
    earlier = None if new.client_id is None else _sent_before(transaction, new)
    if earlier is not None:
        return SentMessage(earlier, replayed=True)
    written = transaction.run(
        statements.SEND,
        id=new.id,
        conversation_id=new.conversation_id,
        position=conversation.last_position + 1,
        participant=new.participant,
        sender=new.sender,
        client_id=new.client_id,
        text=new.text,
        attachments=msgspec.json.encode(new.attachments).decode(),
        actor=str(actor),
        created_at=now,
    )
    if not written:
        raise WriteConflict  # same client id, in another conversation on another node
    return SentMessage(_newest(transaction, conversation.id), replayed=False)


def _sent_before(transaction: Transaction, new: NewMessage) -> Message | None:
    found = transaction.read_one(statements.BY_CLIENT_ID, message_of, TABLE, sender=new.sender, client_id=new.client_id)
    if found is None:
        return None
    is_same = found.version > 1 or (found.text == new.text and tuple(found.attachments) == new.attachments)
    if found.conversation_id != new.conversation_id or not is_same:
        raise KeyReused
    return found


def _newest(transaction: Transaction, conversation_id: str) -> Message:
    """The message that this unit inserted, from its feed row. Raises FeedRowMissing."""
    return message_from_feed(read_json(feed.newest_document(transaction, conversation_id)))


# --- Changing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuthoredMessage:
    """A message, with the person who wrote it."""

    message: Message
    sender: str


def find(
    transaction: Transaction, conversation: Conversation, message_id: str, *, to_read: bool = False
) -> AuthoredMessage:
    """Find a message, locked until the commit unless `to_read`. Raises NotFound."""
    values = {"id": message_id, "conversation_id": conversation.id}
    statement = statements.MESSAGE if to_read else statements.MESSAGE_FOR_UPDATE
    found = transaction.read_one(statement, _authored_message, TABLE, **values)
    if found is None:
        raise NotFound("message")
    return found


def edit(
    transaction: Transaction, message: Message, text: str, *, version: int | None, actor: Actor, now: Timestamp
) -> Message:
    """Edit a locked message; without effect if the text is the same. Raises MessageGone, EditConflict or
    TooManyEdits.
    """
    if message.deleted_at is not None:
        raise MessageGone
    if version is not None and version != message.version:
        changed_at = message.edited_at or message.created_at
        raise EditConflict("message", message.version, version, message.sender.role, changed_at)
    if text == message.text:
        return message
    if message.version > EDITS_MAX:
        raise TooManyEdits(EDITS_MAX)
    transaction.run(statements.EDIT, message_id=message.id, new_text=text, new_actor=str(actor), new_edited_at=now)
    return _newest(transaction, message.conversation_id)


def delete(
    transaction: Transaction, message: Message, *, actor: Actor, now: Timestamp, reason: str | None = None
) -> Message:
    """Delete a locked message: its position stays; text and reason are visible to staff only. Idempotent."""
    if message.deleted_at is not None:
        return message
    values = {"new_actor": str(actor), "new_reason": reason, "new_deleted_at": now}
    transaction.run(statements.DELETE, message_id=message.id, **values)
    return _newest(transaction, message.conversation_id)


class FormerText(Struct, frozen=True, kw_only=True, rename="camel"):
    """A former text of a message."""

    version: int
    """Its version."""
    former_text: str
    former_attachments: list[Any]
    actor: str
    """The actor of the change."""
    reason: str | None
    """Staff's reason for deleting it."""
    at: str


def history(transaction: Transaction, message_id: str) -> list[FormerText]:
    """The former texts of a message, oldest first; at most EDITS_MAX and a deletion, unless other programs wrote
    more.
    """
    values = {"message_id": message_id, "limit": EDITS_MAX + 1}
    return transaction.read(statements.HISTORY, _former, "message_history", **values)


def _former(row: tuple[Any, ...]) -> FormerText:
    _entry, version, text, attachments, actor, reason, at = row
    found = msgspec.convert(read_json(attachments), list[Any])
    return FormerText(version=version, former_text=text, former_attachments=found, actor=actor, reason=reason, at=at)


def _authored_message(row: tuple[Any, ...]) -> AuthoredMessage:
    return AuthoredMessage(message_of(row), row[5])


# --- Reading ----------------------------------------------------------------------------------------------------------


def message_of(row: tuple[Any, ...]) -> Message:
    """Convert a row of the statements."""
    id_, conversation_id, position, client_id, participant, _sender, text, attachments, version, *moments = row
    created_at, edited_at, deleted_at = moments
    return Message(
        id=id_,
        conversation_id=conversation_id,
        position=int(position),
        client_id=client_id,
        sender=Sender(participant, role_of(participant)),
        text=text if deleted_at is None else "",
        attachments=msgspec.convert(read_json(attachments), list[Any]) if deleted_at is None else [],
        version=int(version),
        created_at=created_at,
        edited_at=edited_at,
        deleted_at=deleted_at,
    )


def message_from_feed(document: dict[str, Any]) -> Message:
    """Convert a feed row's document. Raises the errors of decoding."""
    participant = document["participant"]
    return msgspec.convert({**document, "sender": Sender(participant, role_of(participant))}, Message)


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order; the positions where pages before and after continue, None at the ends."""

    items: list[Message]
    next_before: int | None
    next_after: int | None


def page(
    transaction: Transaction, conversation: Conversation, *, before: int | None, after: int | None, limit: int
) -> Page:
    """The first messages after `after`, else the last before `before`, else the newest. Unreadable ones are left
    out.
    """
    newest = conversation.last_position
    # Positions are dense, so they say whether there is more, whatever was readable.
    if after is not None:
        first, last = after + 1, min(after + limit, newest)
    else:
        last = newest if before is None else min(before - 1, newest)
        first = max(1, last - limit + 1)
    items = transaction.read(
        statements.BETWEEN, message_of, TABLE, conversation_id=conversation.id, first=first, last=last
    )
    is_within = first <= newest
    return Page(items, first if is_within and first > 1 else None, last if is_within and last < newest else None)
