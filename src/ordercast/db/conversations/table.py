"""Tables: conversations, participants, messages, message history."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.conversations import STORE_SIDE, Subject
from ordercast.db import columns
from ordercast.db.columns import (
    actor,
    check,
    count,
    entry,
    given_moment,
    identifier,
    index,
    json_array,
    line,
    moment,
    one_of,
    references,
    table,
    text,
    version,
    word,
)

conversations = table(
    "conversations",
    identifier("id", prefix="cnv", primary_key=True),
    word("about"),
    # The id of the order, booking or customer.
    identifier("subject_id"),
    # The participants besides the shop, copied by triggers from the subject.
    identifier("customer_id", optional=True),
    word("assignee_role", optional=True),
    identifier("assignee_id", optional=True),
    # The newest message's position. A writer increments it and so locks the row until the commit: positions are
    # dense and in commit order.
    count("last_position"),
    moment("last_at"),
    actor(),
    moment("created_at"),
    one_of("about", Subject),
    index("conversations_by_subject", "about", "subject_id", unique=True),
    index("conversations_by_customer", "customer_id", where="customer_id IS NOT NULL"),
    rowid=False,
)

OF_CONVERSATION: Final = references("conversations.id")

conversation_participants = table(
    "conversation_participants",
    identifier("conversation_id", OF_CONVERSATION, primary_key=True),
    # ``store``, ``customer``, or ``driver:drv_...``; stays if the person changes.
    line("participant", primary_key=True),
    # The list that it is in, as an actor; ``store`` for staff; NULL while nobody is behind it.
    line("whose", optional=True),
    # Receipts: the last message delivered, and read.
    count("delivered"),
    count("seen"),
    # Others' messages after `seen`, counted by triggers.
    count("unread"),
    # Copied from the conversation, so that a list is read along one index.
    moment("last_at"),
    index("conversations_by_participant", "whose", "last_at", "conversation_id", where="whose IS NOT NULL"),
    index("conversations_unread", "whose", "last_at", "conversation_id", where="whose IS NOT NULL AND unread > 0"),
    rowid=False,
)

messages = table(
    "messages",
    identifier("id", prefix="msg", primary_key=True),
    identifier("conversation_id", OF_CONVERSATION),
    # Set by a trigger if the writer gives none.
    count("position", default=None, optional=True),
    # The sender: the participant, and the person.
    line("participant", default=STORE_SIDE),
    line("sender", default_sql="@external_actor"),
    # The client's idempotency key.
    line("client_id", optional=True),
    text("text", default=""),
    json_array("attachments"),
    version(),
    # The last actor, and staff's reason for deleting.
    actor(),
    columns.reason(),
    moment("created_at"),
    given_moment("edited_at", optional=True),
    given_moment("deleted_at", optional=True),
    check("message_says", "text <> '' OR CAST(attachments AS text) <> '[]' OR deleted_at IS NOT NULL"),
    index("messages_by_position", "conversation_id", "position", unique=True),
    index("messages_by_client_id", "sender", "client_id", unique=True, where="client_id IS NOT NULL"),
    rowid=False,
)

# Former texts, for staff in a dispute.
message_history = table(
    "message_history",
    entry(),
    identifier("message_id"),
    version(None),
    text("former_text"),
    json_array("former_attachments"),
    columns.actor(given=True),
    columns.reason(),
    given_moment("at"),
    index("message_history_by_message", "message_id", "entry"),
)
