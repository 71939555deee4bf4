"""Messages: written, changed, read. Who may do so is for callers to ask."""

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
from ordercast.db.errors import FeedRowMissing, WriteConflict
from ordercast.db.idempotency import KeyReused
from ordercast.db.lenient_json import read_json
from ordercast.db.transaction import Transaction

from . import Conversation, statements

TABLE: Final = "messages"
# Each keeps what the message was: nobody corrects a word a hundred times.
EDITS_MAX: Final = 100


class Sender(Struct, frozen=True):
    participant: str
    """``store``, ``customer``, or a role and an id."""
    role: str


class Message(Struct, frozen=True, kw_only=True, rename="camel"):
    """One message. What was deleted keeps its place, and has no text."""

    id: str
    conversation_id: str
    position: int
    """Its place among the conversation's, counted from one."""
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
    """A message to be written, by `sender` as `participant`; `client_id` is the sender's own name for it."""

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
    """Whether it had been written before."""


# --- Writing ----------------------------------------------------------------------------------------------------------


def send(
    transaction: Transaction, conversation: Conversation, new: NewMessage, *, actor: Actor, now: Timestamp
) -> SentMessage:
    """Write a message behind the newest of a conversation that this unit holds; or give the one that was written under
    the same client id before. Raises KeyReused where that was another one.
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
        raise WriteConflict  # under this client id, in another conversation, on another node
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
    """The message that this unit has just written, as the trigger told it to the feed. Raises Unheard."""
    row = transaction.one(feed.NEWEST_DOCUMENT)
    if row is None or row[0] != conversation_id:
        raise FeedRowMissing(conversation_id)
    return message_from_feed(read_json(row[1]))


# --- Changing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuthoredMessage:
    """A message that stands, with who of its participant wrote it."""

    message: Message
    sender: str


def find(
    transaction: Transaction, conversation: Conversation, message_id: str, *, to_read: bool = False
) -> AuthoredMessage:
    """The message, held until the commit, unless it is only `to_read`. Raises NotFound."""
    values = {"id": message_id, "conversation_id": conversation.id}
    statement = statements.MESSAGE if to_read else statements.MESSAGE_FOR_UPDATE
    found = transaction.read_one(statement, _authored_message, TABLE, **values)
    if found is None:
        raise NotFound("message")
    return found


def edit(
    transaction: Transaction, message: Message, text: str, *, version: int | None, actor: Actor, now: Timestamp
) -> Message:
    """Change the text of a message that this unit holds; the same text again changes nothing. Raises MessageGone,
    EditConflict for a version that it has no more, TooManyEdits.
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
    """Delete a message that this unit holds: its place stays, its words are the shop's alone, and so is why. Again
    changes nothing.
    """
    if message.deleted_at is not None:
        return message
    values = {"new_actor": str(actor), "new_reason": reason, "new_deleted_at": now}
    transaction.run(statements.DELETE, message_id=message.id, **values)
    return _newest(transaction, message.conversation_id)


class FormerText(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a message was until somebody changed it."""

    version: int
    """The version that it had."""
    former_text: str
    former_attachments: list[Any]
    actor: str
    """Who changed it."""
    reason: str | None
    """Why the shop took it away."""
    at: str


def history(transaction: Transaction, message_id: str) -> list[FormerText]:
    """What a message was, oldest first; never more than EDITS_MAX and a deletion, but of other programs."""
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
    """A message as the statements have it."""
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
    """A message as a row of the feed has it. Raises what decoding does, of a document that is none."""
    participant = document["participant"]
    return msgspec.convert({**document, "sender": Sender(participant, role_of(participant))}, Message)


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in their order; behind and before which there are more, None at either end."""

    items: list[Message]
    next_before: int | None
    next_after: int | None


def page(
    transaction: Transaction, conversation: Conversation, *, before: int | None, after: int | None, limit: int
) -> Page:
    """The first messages behind the position `after`, else the last ones before the position `before`, else the newest.
    One that cannot be read is left out, and its place with it.
    """
    newest = conversation.last_position
    # Positions are dense, so they say where a page ends, whatever could be read of it.
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
