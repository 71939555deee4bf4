"""Conversations with their participants, what was written in them, and what it was before it was changed."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.conversations import STORE_SIDE, Subject
from ordercast.db import columns
from ordercast.db.columns import (
    actor,
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
    # The id of the order, the booking or the customer.
    identifier("subject_id"),
    # Who takes part beside the shop, as it is now: triggers take it from what the conversation is about.
    identifier("customer_id", optional=True),
    word("assignee_role", optional=True),
    identifier("assignee_id", optional=True),
    # Of the newest message. Whoever writes one counts it on, and holds this row until the commit: so positions are
    # dense, and in the order of the commits.
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
    # ``store``, ``customer``, or ``driver:drv_...``: stays, whoever is behind it.
    line("participant", primary_key=True),
    # In whose list it stands, as an actor is written; ``store`` for the shop's people. None while nobody is behind it.
    line("whose", optional=True),
    # Up to which message it came to their screen, and was read.
    count("delivered"),
    count("seen"),
    # Of the others' messages behind `seen`: triggers count it.
    count("unread"),
    # The conversation's own, so that somebody's list is read along an index.
    moment("last_at"),
    index("conversations_by_participant", "whose", "last_at", "conversation_id", where="whose IS NOT NULL"),
    index("conversations_unread", "whose", "last_at", "conversation_id", where="whose IS NOT NULL AND unread > 0"),
    rowid=False,
)

messages = table(
    "messages",
    identifier("id", prefix="msg", primary_key=True),
    identifier("conversation_id", OF_CONVERSATION),
    # Given by a trigger where a writer gives none.
    count("position", default=None, optional=True),
    # Who wrote it: as which participant, and who of them.
    line("participant", default=STORE_SIDE),
    line("sender", default_sql="@external_actor"),
    # The sender's own name for it: under which it is written once, however often it is sent.
    line("client_id", optional=True),
    text("text", default=""),
    json_array("attachments"),
    version(),
    # Who changed it last, and why the shop took it away.
    actor(),
    columns.reason(),
    moment("created_at"),
    given_moment("edited_at", optional=True),
    given_moment("deleted_at", optional=True),
    index("messages_by_position", "conversation_id", "position", unique=True),
    index("messages_by_client_id", "sender", "client_id", unique=True, where="client_id IS NOT NULL"),
    rowid=False,
)

# What messages were before they were changed: for the shop to look at, where somebody says that it was something else.
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
