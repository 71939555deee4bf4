"""Authorization of conversations, for requests and commands alike."""

from __future__ import annotations

from dataclasses import dataclass

from ordercast.commerce.conversations import CUSTOMER_SIDE, STORE_SIDE, Subject, participant_as
from ordercast.commerce.errors import NotFound
from ordercast.db import Transaction, chat_blocks
from ordercast.db import conversations as units
from ordercast.db.conversations import Conversation, Parties

from .auth import Identity


@dataclass(frozen=True, slots=True)
class Access:
    """A conversation, and the caller's participant in it."""

    identity: Identity
    conversation: Conversation
    participant: str

    @property
    def knows_customer(self) -> bool:
        """See `knows_customer`."""
        return knows_customer(self.conversation, self.participant, self.identity)

    @property
    def knows_name(self) -> bool:
        """Whether they may see the customer's name: all but holders of a tracking link."""
        return self.identity.tracked_id is None


def access(transaction: Transaction, conversation_id: str, identity: Identity, *, to_write: bool = False) -> Access:
    """Authorize `identity`. Raises NotFound, also if it may not see the conversation.

    Runs in the transaction that reads or writes, so that former drivers are excluded at once. With `to_write` the
    conversation is locked until the commit.
    """
    conversation = units.find(transaction, conversation_id, for_update=to_write)
    if conversation is None:
        raise NotFound("conversation")
    return entered(conversation, identity)


def check_may_write(transaction: Transaction, who: Access) -> None:
    """Raise Blocked if the caller is a blocked customer."""
    if who.participant == CUSTOMER_SIDE:
        chat_blocks.check_not_blocked(transaction, who.conversation)


def entered(conversation: Conversation, identity: Identity) -> Access:
    """As `access`, for a conversation already found."""
    participant = participant_in(conversation, identity)
    if participant is None:
        raise NotFound("conversation")
    return Access(identity, conversation, participant)


def participant_in(conversation: Parties, identity: Identity) -> str | None:
    """The identity's participant; None if it takes no part."""
    if identity.tracked_id is not None:
        about = Subject.ORDER if identity.order_id is not None else Subject.BOOKING
        is_theirs = conversation.about == about and conversation.subject_id == identity.tracked_id
        return CUSTOMER_SIDE if is_theirs else None
    return participant_as(identity.actor, conversation.customer_id, conversation.assignee)


def knows_customer(conversation: Conversation, participant: str, identity: Identity) -> bool:
    """Whether a participant may see the customer's id: staff and the customer, not holders of a link, nor drivers."""
    return participant == STORE_SIDE or (identity.tracked_id is None and identity.actor.id == conversation.customer_id)
