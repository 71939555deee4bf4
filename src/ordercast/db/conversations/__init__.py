"""Units of work on conversations: opening, finding, read receipts. ``messages`` and ``lists`` are beside. Authorization
is the caller's.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.conversations import Subject, role_of
from ordercast.commerce.errors import NotFound, NothingThere
from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp
from ordercast.db.errors import WriteConflict
from ordercast.db.noun import ERASED_ACTOR, Noun, PersonalData
from ordercast.db.statement import statements_in
from ordercast.db.transaction import Transaction
from ordercast.db.types import Row

from . import statements, table
from .triggers import ERASED_TEXT, TRIGGERS

TABLE: Final = "conversations"
PARTICIPANTS: Final = "conversation_participants"
_THEIRS: Final = "conversation_id IN (SELECT id FROM conversations WHERE customer_id = :customer_id)"
_THEIR_MESSAGES: Final = f"message_id IN (SELECT id FROM messages WHERE {_THEIRS})"

NOUN: Final = Noun(
    name="conversations",
    tables=(table.conversations, table.conversation_participants, table.messages, table.message_history),
    statements=statements_in(vars(statements)),
    triggers=TRIGGERS,
    # Staff's answers quote or name the customer, so they are erased with the customer's messages.
    personal={
        "message_history": PersonalData(
            _THEIR_MESSAGES,
            ("message_id", "version", "former_text", "former_attachments", "at"),
            {"former_text": f"'{ERASED_TEXT}'", "former_attachments": "'[]'", "reason": "NULL"},
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
                "reason": "NULL",
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


class Parties(Struct, frozen=True, rename="camel"):
    """The subject and the participants besides the shop; also the feed's form."""

    about: Subject
    subject_id: str
    customer_id: str | None
    assignee_role: str | None
    assignee_id: str | None

    @property
    def assignee(self) -> str | None:
        """The driver or carer, as an actor."""
        return None if self.assignee_id is None else f"{self.assignee_role}:{self.assignee_id}"


class Conversation(Parties, frozen=True, rename="camel"):
    """A conversation."""

    id: str
    last_position: int
    last_at: str
    created_at: str


class Participant(Struct, frozen=True):
    """A participant: the shop (all staff), the customer, the driver or carer."""

    participant: str
    """Its key in messages and receipts."""
    role: str
    id: str | None
    """The person's id; null for the shop."""
    name: str | None
    delivered: int
    """The position of the last message on one of their screens."""
    seen: int
    """The position of the last message they have read."""
    unread: int
    """The number of others' messages after that."""


def rows_of(conversation_id: str) -> frozenset[Row]:
    """The rows that a writer in the conversation locks."""
    return frozenset({(TABLE, conversation_id)})


# --- Opening ----------------------------------------------------------------------------------------------------------


def find(transaction: Transaction, conversation_id: str, *, for_update: bool = False) -> Conversation | None:
    """Find a conversation; `for_update` locks it until the commit."""
    statement = statements.STATE_FOR_UPDATE if for_update else statements.STATE
    return transaction.read_one(statement, conversation_of, TABLE, id=conversation_id)


def find_about(transaction: Transaction, about: Subject, subject_id: str) -> Conversation | None:
    return transaction.read_one(statements.BY_SUBJECT, conversation_of, TABLE, about=about, subject_id=subject_id)


def open_(
    transaction: Transaction, conversation_id: str, about: Subject, subject_id: str, *, actor: Actor, now: Timestamp
) -> Conversation:
    """The conversation about a subject; inserts one with `conversation_id` if there is none."""
    found = find_about(transaction, about, subject_id)
    if found is None:
        values = {"id": conversation_id, "about": about, "subject_id": subject_id, "actor": str(actor)}
        if not transaction.run(statements.OPEN, **values, last_at=now, created_at=now):
            raise WriteConflict  # another node opened it concurrently
        found = find_about(transaction, about, subject_id)
    if found is None:
        raise NotFound("conversation")
    return found


def conversation_of(row: tuple[Any, ...]) -> Conversation:
    """Convert a row of the statements."""
    return msgspec.convert(dict(zip(Conversation.__struct_encode_fields__, row, strict=True)), Conversation)


# --- Participants -----------------------------------------------------------------------------------------------------


def participants(transaction: Transaction, conversation_id: str) -> list[Participant]:
    """The current participants, with their receipts."""
    return transaction.read(statements.PARTICIPANTS, _participant, PARTICIPANTS, conversation_id=conversation_id)


def mark(
    transaction: Transaction,
    conversation: Conversation,
    participant: str,
    *,
    seen: int | None = None,
    delivered: int | None = None,
) -> Participant:
    """Record a participant's receipts; positions never go back. Raises NothingThere for a position beyond the newest
    message.
    """
    whose = {"of_conversation": conversation.id, "of_participant": participant}
    if max(seen or 0, delivered or 0) > conversation.last_position:
        raise NothingThere(conversation.last_position)
    if seen is not None:
        transaction.run(statements.SEEN, **whose, new_seen=seen)
    if delivered is not None:
        transaction.run(statements.DELIVERED, **whose, new_delivered=delivered)
    values = {"conversation_id": conversation.id, "participant": participant}
    found = transaction.read_one(statements.PARTICIPANT, _participant, PARTICIPANTS, **values)
    if found is None:
        raise NotFound("conversation")
    return found


def _participant(row: tuple[Any, ...]) -> Participant:
    participant, whose, name, delivered, seen, unread = row
    _, _, id_ = (whose or "").partition(":")
    return Participant(participant, role_of(participant), id_ or None, name, max(delivered, seen), seen, unread)
