"""Blocked customers, who may not write in any conversation."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from ordercast.commerce.errors import Blocked
from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp

from .columns import actor, index, line, moment, table
from .conversations import Conversation
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "chat_blocks"

chat_blocks = table(
    TABLE,
    # ``customer:cus_...``; for a guest the order, ``order:ord_...``.
    line("who", primary_key=True),
    line("reason"),
    actor(),
    moment("created_at"),
    index("chat_blocks_by_time", "created_at", "who"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

BLOCK: Final = Statement("""
    INSERT INTO chat_blocks (who, reason, actor, created_at) VALUES (:who, :reason, :actor, :created_at)
    ON CONFLICT (who) DO UPDATE
      SET reason = excluded.reason, actor = excluded.actor, created_at = excluded.created_at
""")
UNBLOCK: Final = Statement("DELETE FROM chat_blocks WHERE who = :who")
BLOCKED: Final = Statement("SELECT reason FROM chat_blocks WHERE who = :who")
PAGE: Final = Statement("""
    SELECT who, reason, actor, created_at FROM chat_blocks WHERE who > :after ORDER BY who LIMIT :limit
""")

NOUN: Final = Noun(
    name="chat_blocks",
    tables=(chat_blocks,),
    statements=statements_in(globals()),
    personal={
        TABLE: PersonalData("who = 'customer:' || CAST(:customer_id AS TEXT)", ("reason", "created_at"), key="who")
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


class Block(Struct, frozen=True, rename="camel"):
    """A block of a customer."""

    who: str
    """``customer:cus_...``; for a guest the order, ``order:ord_...``."""
    reason: str
    """The reason, shown to the customer."""
    actor: str
    """The staff member."""
    created_at: str


def buyer_of(conversation: Conversation) -> str:
    """The key by which the buyer of a conversation is blocked."""
    if conversation.customer_id is not None:
        return f"customer:{conversation.customer_id}"
    return f"{conversation.about}:{conversation.subject_id}"


def block(transaction: Transaction, conversation: Conversation, reason: str, *, actor: Actor, now: Timestamp) -> Block:
    """Block the buyer in all conversations; again changes the reason."""
    made = Block(buyer_of(conversation), reason, str(actor), now)
    transaction.run(BLOCK, who=made.who, reason=reason, actor=made.actor, created_at=now)
    return made


def unblock(transaction: Transaction, conversation: Conversation) -> None:
    """Unblock the buyer; without effect if not blocked."""
    transaction.run(UNBLOCK, who=buyer_of(conversation))


def check_not_blocked(transaction: Transaction, conversation: Conversation) -> None:
    """Raise Blocked if the buyer is blocked."""
    row = transaction.one(BLOCKED, who=buyer_of(conversation))
    if row is not None:
        raise Blocked(str(row[0]))


def page(transaction: Transaction, after: str, limit: int) -> list[Block]:
    """A page of blocks, by key."""
    return transaction.read(PAGE, _block, TABLE, after=after, limit=limit)


def _block(row: tuple[Any, ...]) -> Block:
    return Block(*row)
