"""Who may not write in conversations, and why: kept by a conversation's buyer, so that it holds in all of theirs."""

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
    # ``customer:cus_...``; of a guest what they ordered: ``order:ord_...``.
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
    """Somebody who may not write."""

    who: str
    """``customer:cus_...``; of a guest what they ordered, ``order:ord_...``."""
    reason: str
    """What they are told."""
    actor: str
    """Who of the shop did so."""
    created_at: str


def buyer_of(conversation: Conversation) -> str:
    """Under which name the buyer of a conversation is blocked."""
    if conversation.customer_id is not None:
        return f"customer:{conversation.customer_id}"
    return f"{conversation.about}:{conversation.subject_id}"


def block(transaction: Transaction, conversation: Conversation, reason: str, *, actor: Actor, now: Timestamp) -> Block:
    """Let the buyer write no more, in any conversation of theirs; again changes the reason."""
    made = Block(buyer_of(conversation), reason, str(actor), now)
    transaction.run(BLOCK, who=made.who, reason=reason, actor=made.actor, created_at=now)
    return made


def unblock(transaction: Transaction, conversation: Conversation) -> None:
    """Let the buyer write again; who may changes nothing."""
    transaction.run(UNBLOCK, who=buyer_of(conversation))


def check_not_blocked(transaction: Transaction, conversation: Conversation) -> None:
    """Raises Blocked where the buyer may not write."""
    row = transaction.one(BLOCKED, who=buyer_of(conversation))
    if row is not None:
        raise Blocked(str(row[0]))


def page(transaction: Transaction, after: str, limit: int) -> list[Block]:
    """Who is blocked, by name."""
    return transaction.read(PAGE, _block, TABLE, after=after, limit=limit)


def _block(row: tuple[Any, ...]) -> Block:
    return Block(*row)
