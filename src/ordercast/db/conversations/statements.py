"""SQL on conversations and messages."""

from __future__ import annotations

from typing import Final

from ordercast.db.statement import Statement

_STATE: Final = "about, subject_id, customer_id, assignee_role, assignee_id, id, last_position, last_at, created_at"
_MESSAGE: Final = """m.id, m.conversation_id, m.position, m.client_id, m.participant, m.sender, m.text, m.attachments,
      m.version, m.created_at, m.edited_at, m.deleted_at"""

# --- Opening ----------------------------------------------------------------------------------------------------------

STATE: Final = Statement(f"SELECT {_STATE} FROM conversations WHERE id = :id")
# Writers lock the row until the commit, so the next one sees what was written.
STATE_FOR_UPDATE: Final = Statement(f"SELECT {_STATE} FROM conversations WHERE id = :id @for_update")
BY_SUBJECT: Final = Statement(f"SELECT {_STATE} FROM conversations WHERE about = :about AND subject_id = :subject_id")
OPEN: Final = Statement("""
    INSERT INTO conversations (id, about, subject_id, last_at, actor, created_at)
    VALUES (:id, :about, :subject_id, :last_at, :actor, :created_at)
    ON CONFLICT (about, subject_id) DO NOTHING
""")

# --- Writing ----------------------------------------------------------------------------------------------------------

BY_CLIENT_ID: Final = Statement(f"""
    SELECT {_MESSAGE} FROM messages m WHERE m.sender = :sender AND m.client_id = :client_id
""")
SEND: Final = Statement("""
    INSERT INTO messages (id, conversation_id, position, participant, sender, client_id, text, attachments, actor,
      created_at)
    VALUES (:id, :conversation_id, :position, :participant, :sender, :client_id, :text, :attachments, :actor,
      :created_at)
    ON CONFLICT DO NOTHING
""")

# --- Changing ---------------------------------------------------------------------------------------------------------

_ONE: Final = f"SELECT {_MESSAGE} FROM messages m WHERE m.id = :id AND m.conversation_id = :conversation_id"
MESSAGE: Final = Statement(_ONE)
MESSAGE_FOR_UPDATE: Final = Statement(f"{_ONE} @for_update")
EDIT: Final = Statement("""
    UPDATE messages SET text = :new_text, version = version + 1, actor = :new_actor, reason = NULL,
      edited_at = :new_edited_at
    WHERE id = :message_id
""")
DELETE: Final = Statement("""
    UPDATE messages SET text = '', attachments = '[]', version = version + 1, actor = :new_actor,
      reason = :new_reason, deleted_at = :new_deleted_at
    WHERE id = :message_id
""")
HISTORY: Final = Statement("""
    SELECT entry, version, former_text, former_attachments, actor, reason, at FROM message_history
    WHERE message_id = :message_id ORDER BY entry LIMIT :limit
""")

# --- Reading ----------------------------------------------------------------------------------------------------------

BETWEEN: Final = Statement(f"""
    SELECT {_MESSAGE} FROM messages m
    WHERE m.conversation_id = :conversation_id AND m.position BETWEEN :first AND :last ORDER BY m.position
""")
# --- Participants -----------------------------------------------------------------------------------------------------

# An order's buyer has the name of that time; guests have no customer row.
_CUSTOMER: Final = """coalesce(
          (SELECT orders.customer_name FROM orders WHERE orders.id = c.subject_id AND c.about = 'order'),
          (SELECT bookings.customer_name FROM bookings WHERE bookings.id = c.subject_id AND c.about = 'booking'),
          (SELECT customers.name FROM customers WHERE customers.id = c.customer_id))"""
_NAME: Final = f"""CASE p.participant
        WHEN 'customer' THEN {_CUSTOMER}
        WHEN 'store' THEN NULL
        ELSE coalesce(
          (SELECT bookings.carer_name FROM bookings WHERE bookings.id = c.subject_id AND c.about = 'booking'),
          (SELECT accounts.name FROM accounts WHERE accounts.id = c.assignee_id)) END"""
_PARTICIPANT: Final = f"p.participant, p.whose, {_NAME}, p.delivered, p.seen, p.unread"
PARTICIPANTS: Final = Statement(f"""
    SELECT {_PARTICIPANT} FROM conversation_participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.conversation_id = :conversation_id AND (p.whose IS NOT NULL OR p.participant = 'customer')
    ORDER BY p.participant
""")
PARTICIPANT: Final = Statement(f"""
    SELECT {_PARTICIPANT} FROM conversation_participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.conversation_id = :conversation_id AND p.participant = :participant
""")
# A receipt that is not newer changes nothing and writes no feed row.
SEEN: Final = Statement("""
    UPDATE conversation_participants SET seen = :new_seen
    WHERE conversation_id = :of_conversation AND participant = :of_participant AND seen < :new_seen
""")
DELIVERED: Final = Statement("""
    UPDATE conversation_participants SET delivered = :new_delivered
    WHERE conversation_id = :of_conversation AND participant = :of_participant AND delivered < :new_delivered
      AND seen < :new_delivered
""")

# --- Lists ------------------------------------------------------------------------------------------------------------


def _newest(of: str) -> Statement:
    return Statement(f"""
        SELECT p.participant, p.unread, {_CUSTOMER}, {", ".join(f"c.{name}" for name in _STATE.split(", "))}, {_MESSAGE}
        FROM conversation_participants p JOIN conversations c ON c.id = p.conversation_id
          LEFT JOIN messages m ON m.conversation_id = c.id AND m.position = c.last_position
        WHERE p.whose = :whose {of} AND (p.last_at, p.conversation_id) < (:before_at, :before_id)
        ORDER BY p.last_at DESC, p.conversation_id DESC LIMIT :limit
    """)


NEWEST: Final = _newest("")
NEWEST_UNREAD: Final = _newest("AND p.unread > 0")
UNREAD: Final = Statement("""
    SELECT count(*), coalesce(sum(waiting.unread), 0) FROM (
      SELECT unread FROM conversation_participants WHERE whose = :whose AND unread > 0 LIMIT :limit) AS waiting
""")
