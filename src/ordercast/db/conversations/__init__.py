"""Units of work on conversations: opening, writing, reading. Who may do so is for their callers to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.conversations import Subject, role_of
from ordercast.commerce.errors import NotFound
from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import feed
from ordercast.db.errors import Unheard, WriteConflict
from ordercast.db.idempotency import KeyReused
from ordercast.db.lenient_json import read_json
from ordercast.db.noun import ERASED_ACTOR, Noun, PersonalData
from ordercast.db.statement import statements_in
from ordercast.db.transaction import Transaction
from ordercast.db.types import Row

from . import statements
from .table import conversation_participants, conversations, message_history, messages
from .triggers import ERASED_TEXT, TRIGGERS

TABLE: Final = "conversations"
_THEIRS: Final = "conversation_id IN (SELECT id FROM conversations WHERE customer_id = :customer_id)"
_THEIR_MESSAGES: Final = f"message_id IN (SELECT id FROM messages WHERE {_THEIRS})"

NOUN: Final = Noun(
    name="conversations",
    tables=(conversations, conversation_participants, messages, message_history),
    statements=statements_in(vars(statements)),
    triggers=TRIGGERS,
    # What the shop answered quotes them, or names them: it goes with what they wrote.
    personal={
        "message_history": PersonalData(
            _THEIR_MESSAGES,
            ("message_id", "version", "former_text", "at"),
            {"former_text": f"'{ERASED_TEXT}'"},
            touched=f"former_text <> '{ERASED_TEXT}'",
            key="+entry",
        ),
        "messages": PersonalData(
            _THEIRS,
            (
                "id", "conversation_id", "position", "participant", "text", "attachments", "created_at", "edited_at",
                "deleted_at",
            ),
            {
                "text": f"'{ERASED_TEXT}'",
                "attachments": "'[]'",
                "actor": f"'{ERASED_ACTOR}'",
                "sender": f"CASE participant WHEN 'customer' THEN '{ERASED_ACTOR}' ELSE sender END",
                "client_id": "NULL",
            },
            touched=f"text <> '{ERASED_TEXT}'",
            key="id || ''",
        ),
        "conversation_participants": PersonalData(
            "whose = 'customer:' || CAST(:customer_id AS TEXT)",
            ("conversation_id", "delivered", "seen"),
            {},
            key="conversation_id",
        ),
        "conversations": PersonalData(
            "customer_id = :customer_id", ("id", "about", "subject_id", "last_position", "created_at"), {}
        ),
    },
)  # fmt: skip


class Conversation(Struct, frozen=True):
    """As it stands now: what it is about, and who takes part beside the shop."""

    id: str
    about: Subject
    subject_id: str
    customer_id: str | None
    assignee_role: str | None
    assignee_id: str | None
    last_position: int
    last_at: str
    created_at: str

    @property
    def assignee(self) -> str | None:
        """Who drives or cares, as an actor is written."""
        return None if self.assignee_id is None else f"{self.assignee_role}:{self.assignee_id}"


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


class Participant(Struct, frozen=True):
    """One side of a conversation: the shop's people together, the customer, who drives or cares."""

    participant: str
    """Its name in messages and receipts."""
    role: str
    id: str | None
    """Of the person; null for the shop's people."""
    delivered: int
    """Up to which position messages have come to a screen of theirs."""
    seen: int
    """Up to which position they have read."""
    unread: int
    """Of the others' messages behind that."""


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
class Sent:
    message: Message
    replayed: bool
    """Whether it had been written before."""


def rows_of(conversation_id: str) -> frozenset[Row]:
    """What whoever writes in a conversation needs."""
    return frozenset({(TABLE, conversation_id)})


# --- Opening ----------------------------------------------------------------------------------------------------------


def find(transaction: Transaction, conversation_id: str, *, for_update: bool = False) -> Conversation | None:
    """The conversation; `for_update`, held until the commit."""
    statement = statements.STATE_FOR_UPDATE if for_update else statements.STATE
    return transaction.read_one(statement, _conversation, TABLE, id=conversation_id)


def find_about(transaction: Transaction, about: Subject, subject_id: str) -> Conversation | None:
    return transaction.read_one(statements.BY_SUBJECT, _conversation, TABLE, about=about, subject_id=subject_id)


def open_(
    transaction: Transaction, conversation_id: str, about: Subject, subject_id: str, *, actor: Actor, now: Timestamp
) -> Conversation:
    """The conversation about that; a new one, called `conversation_id`, if there is none yet."""
    found = find_about(transaction, about, subject_id)
    if found is None:
        values = {"id": conversation_id, "about": about, "subject_id": subject_id, "actor": str(actor)}
        if not transaction.run(statements.OPEN, **values, last_at=now, created_at=now):
            raise WriteConflict  # another node has just opened it
        found = find_about(transaction, about, subject_id)
    if found is None:
        raise NotFound("conversation")
    return found


def _conversation(row: tuple[Any, ...]) -> Conversation:
    return msgspec.convert(dict(zip(Conversation.__struct_fields__, row, strict=True)), Conversation)


# --- Writing ----------------------------------------------------------------------------------------------------------


def send(
    transaction: Transaction, conversation: Conversation, new: NewMessage, *, actor: Actor, now: Timestamp
) -> Sent:
    """Write a message behind the newest of a conversation that this unit holds; or give the one that was written under
    the same client id before. Raises KeyReused where that was another one.
    """
    earlier = None if new.client_id is None else _sent_before(transaction, new)
    if earlier is not None:
        return Sent(earlier, replayed=True)
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
    return Sent(_newest(transaction, conversation.id), replayed=False)


def _sent_before(transaction: Transaction, new: NewMessage) -> Message | None:
    found = transaction.read_one(
        statements.BY_CLIENT_ID, message_of, "messages", sender=new.sender, client_id=new.client_id
    )
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
        raise Unheard(conversation_id)
    return message_told(read_json(row[1]))


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
        text=text,
        attachments=msgspec.convert(read_json(attachments), list[Any]),
        version=int(version),
        created_at=created_at,
        edited_at=edited_at,
        deleted_at=deleted_at,
    )


def message_told(document: dict[str, Any]) -> Message:
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
        statements.BETWEEN, message_of, "messages", conversation_id=conversation.id, first=first, last=last
    )
    is_within = first <= newest
    return Page(items, first if is_within and first > 1 else None, last if is_within and last < newest else None)


def participants(transaction: Transaction, conversation_id: str) -> list[Participant]:
    """Those who take part now, and how far each has read."""
    return transaction.read(
        statements.PARTICIPANTS, _participant, "conversation_participants", conversation_id=conversation_id
    )


def _participant(row: tuple[Any, ...]) -> Participant:
    participant, whose, delivered, seen, unread = row
    _, _, id_ = whose.partition(":")
    return Participant(participant, role_of(participant), id_ or None, max(delivered, seen), seen, unread)
