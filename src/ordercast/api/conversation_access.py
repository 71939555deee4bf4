"""Who may read a conversation and write in it: the one place where it is decided, for requests and commands alike."""

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
    """A conversation, and as which of its participants somebody reads and writes."""

    identity: Identity
    conversation: Conversation
    participant: str

    @property
    def knows_customer(self) -> bool:
        """See `knows_customer`."""
        return knows_customer(self.conversation, self.participant, self.identity)

    @property
    def knows_name(self) -> bool:
        """Whether they may be told how the customer is called: all but who holds a link, which may be forwarded."""
        return self.identity.tracked_id is None


def access(transaction: Transaction, conversation_id: str, identity: Identity, *, to_write: bool = False) -> Access:
    """What `identity` may do there. Raises NotFound, also where it may not know of it.

    Asked in the transaction that reads or writes: who drives an order no more is let in no more. `to_write`, the
    conversation is held until the commit.
    """
    conversation = units.find(transaction, conversation_id, for_update=to_write)
    if conversation is None:
        raise NotFound("conversation")
    return entered(conversation, identity)


def check_may_write(transaction: Transaction, who: Access) -> None:
    """Raises Blocked for a buyer whom the shop does not let write."""
    if who.participant == CUSTOMER_SIDE:
        chat_blocks.check_not_blocked(transaction, who.conversation)


def entered(conversation: Conversation, identity: Identity) -> Access:
    """As `access`, of a conversation that was found already."""
    participant = participant_in(conversation, identity)
    if participant is None:
        raise NotFound("conversation")
    return Access(identity, conversation, participant)


def participant_in(conversation: Parties, identity: Identity) -> str | None:
    """As which participant an identity takes part; None for who does not."""
    if identity.tracked_id is not None:
        about = Subject.ORDER if identity.order_id is not None else Subject.BOOKING
        is_theirs = conversation.about == about and conversation.subject_id == identity.tracked_id
        return CUSTOMER_SIDE if is_theirs else None
    return participant_as(identity.actor, conversation.customer_id, conversation.assignee)


def knows_customer(conversation: Conversation, participant: str, identity: Identity) -> bool:
    """Whether a participant may be told the customer's id: the shop, and the customer themselves. A tracking link may
    be forwarded, and a driver is told what the delivery needs.
    """
    return participant == STORE_SIDE or (identity.tracked_id is None and identity.actor.id == conversation.customer_id)
