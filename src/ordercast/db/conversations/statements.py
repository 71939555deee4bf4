"""Opening, writing, reading and listing."""

from __future__ import annotations

from typing import Final

from ordercast.db.statement import Statement

_STATE: Final = "id, about, subject_id, customer_id, assignee_role, assignee_id, last_position, last_at, created_at"
_MESSAGE: Final = """m.id, m.conversation_id, m.position, m.client_id, m.participant, m.sender, m.text, m.attachments,
      m.version, m.created_at, m.edited_at, m.deleted_at"""

# --- Opening ----------------------------------------------------------------------------------------------------------

STATE: Final = Statement(f"SELECT {_STATE} FROM conversations WHERE id = :id")
# Whoever writes holds the row until the commit: so the next one sees what was written.
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

# --- Reading ----------------------------------------------------------------------------------------------------------

BETWEEN: Final = Statement(f"""
    SELECT {_MESSAGE} FROM messages m
    WHERE m.conversation_id = :conversation_id AND m.position BETWEEN :first AND :last ORDER BY m.position
""")
PARTICIPANTS: Final = Statement("""
    SELECT participant, whose, delivered, seen, unread FROM conversation_participants
    WHERE conversation_id = :conversation_id AND whose IS NOT NULL ORDER BY participant
""")
