"""Triggers that number messages, count unread ones, keep former texts and write the feed."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.conversations import CUSTOMER_SIDE, STORE_SIDE, Subject
from ordercast.commerce.people import Role
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.noun import ERASED_ACTOR
from ordercast.db.trigger_helpers import FEED_COLUMNS, changed, refused, same
from ordercast.db.types import ChangeKind

from .subject_triggers import FOLLOW_ORDER, carer_of, driver_of
from .table import message_history

ERASED_TEXT: Final = "[erased]"

_RECEIPTS: Final = ("delivered", "seen")

# --- Documents --------------------------------------------------------------------------------------------------------

# The conversation's members in the feed row, from which the audience derives the rooms of that time.
_WHOSE: Final = """'about', c.about, 'subjectId', c.subject_id, 'customerId', c.customer_id,
      'assigneeRole', c.assignee_role, 'assigneeId', c.assignee_id"""
_MESSAGE: Final = f"""@json_object('id', m.id, 'conversationId', m.conversation_id, 'position', m.position,
      'participant', m.participant, 'sender', m.sender, 'clientId', m.client_id,
      'text', CASE WHEN m.deleted_at IS NULL THEN m.text ELSE '' END,
      'attachments', CASE WHEN m.deleted_at IS NULL THEN @json_of(m.attachments) ELSE @json_of('[]') END,
      'version', m.version, 'createdAt', m.created_at, 'editedAt', m.edited_at, 'deletedAt', m.deleted_at, {_WHOSE})"""
_RECEIPT: Final = f"""@json_object('conversationId', c.id, 'participant', p.participant, 'delivered',
      CASE WHEN p.delivered < p.seen THEN p.seen ELSE p.delivered END, 'seen', p.seen, 'unread', p.unread, {_WHOSE})"""


def _told_of_message(kind: ChangeKind, at: str) -> str:
    return cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT '{kind}', m.conversation_id, m.version, m.actor, NULL, {at}, NULL, @json_text({_MESSAGE})
          FROM messages m JOIN conversations c ON c.id = m.conversation_id
          WHERE m.id = NEW.id
    """)


# --- Conversations ----------------------------------------------------------------------------------------------------

_ASSIGNEE: Final = "NEW.assignee_role || ':' || NEW.assignee_id"


def _of_order(column: str) -> str:
    """SQL for a column of the order `o`, which may be mirrored."""
    return (
        f"coalesce((SELECT {column} FROM orders o WHERE o.id = NEW.subject_id),"
        f" (SELECT {column} FROM mirrored_orders o WHERE o.id = NEW.subject_id))"
    )


def _of_booking(column: str) -> str:
    return f"(SELECT {column} FROM bookings b WHERE b.id = NEW.subject_id)"


_IS_OF_ORDER: Final = f"NEW.about = '{Subject.ORDER}'"
_DRIVER: Final = _of_order(driver_of("o"))
_IS_OF_BOOKING: Final = f"NEW.about = '{Subject.BOOKING}'"
_CARER: Final = _of_booking(carer_of("b"))


def _is_missing(table: str) -> str:
    # Locked: a concurrent change of the participants would not see the new conversation.
    return f"NOT EXISTS (SELECT 1 FROM {table} WHERE id = NEW.subject_id @postgresql(FOR SHARE))"


_OPENED: Final[tuple[str | Refusal, ...]] = (
    Refusal(
        "conversation_subject: there is no such order",
        f"{_IS_OF_ORDER} AND {_is_missing('orders')} AND {_is_missing('mirrored_orders')}",
    ),
    Refusal("conversation_subject: there is no such booking", f"{_IS_OF_BOOKING} AND {_is_missing('bookings')}"),
    *(
        cleandoc(f"""
            INSERT INTO conversation_participants (conversation_id, participant, whose, last_at)
              VALUES (NEW.id, '{side}', {whose}, NEW.last_at)
        """)
        for side, whose in {
            STORE_SIDE: f"'{STORE_SIDE}'",
            CUSTOMER_SIDE: f"CASE WHEN NEW.customer_id IS NOT NULL THEN '{Role.CUSTOMER}:' || NEW.customer_id END",
        }.items()
    ),
    cleandoc(f"""
        UPDATE conversations
          SET customer_id = CASE NEW.about WHEN '{Subject.CUSTOMER}' THEN NEW.subject_id
              WHEN '{Subject.ORDER}' THEN {_of_order("o.customer_id")}
              ELSE {_of_booking("b.customer_id")} END,
            assignee_id = CASE NEW.about WHEN '{Subject.ORDER}' THEN {_DRIVER}
              WHEN '{Subject.BOOKING}' THEN {_CARER} END,
            assignee_role = CASE WHEN {_IS_OF_ORDER} AND {_DRIVER} IS NOT NULL THEN '{Role.DRIVER}'
              WHEN {_IS_OF_BOOKING} AND {_CARER} IS NOT NULL THEN '{Role.CARER}' END
          WHERE id = NEW.id
    """),
)
_FOLLOWED: Final = (
    cleandoc(f"""
        UPDATE conversation_participants SET whose = '{Role.CUSTOMER}:' || NEW.customer_id
          WHERE conversation_id = NEW.id AND participant = '{CUSTOMER_SIDE}'
    """),
    cleandoc(f"""
        UPDATE conversation_participants SET whose = NULL
          WHERE conversation_id = NEW.id AND participant NOT IN ('{STORE_SIDE}', '{CUSTOMER_SIDE}')
            AND participant <> coalesce({_ASSIGNEE}, '')
    """),
    # A returning participant keeps their receipts; a new one has read nothing.
    cleandoc(f"""
        INSERT INTO conversation_participants (conversation_id, participant, whose, unread, last_at)
          SELECT NEW.id, {_ASSIGNEE}, {_ASSIGNEE}, NEW.last_position, NEW.last_at WHERE NEW.assignee_id IS NOT NULL
          ON CONFLICT (conversation_id, participant) DO UPDATE SET whose = excluded.whose
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT '{ChangeKind.CONVERSATION_CHANGED}', c.id, 1, c.actor, NULL, @now, NULL,
            @json_text(@json_object('conversationId', c.id, {_WHOSE}))
          FROM conversations c WHERE c.id = NEW.id
    """),
)

# --- Messages ---------------------------------------------------------------------------------------------------------

_SENT: Final = (
    Refusal(
        "message_participant: nobody takes part as this",
        "NOT EXISTS (SELECT 1 FROM conversation_participants"
        " WHERE conversation_id = NEW.conversation_id AND participant = NEW.participant)",
    ),
    # Locks the row until the commit.
    cleandoc("""
        UPDATE conversations
          SET last_position = last_position + 1,
            last_at = CASE WHEN NEW.created_at > last_at THEN NEW.created_at ELSE last_at END
          WHERE id = NEW.conversation_id
    """),
    Refusal(
        "message_position: the next position is given to whoever names none",
        "NEW.position <> (SELECT last_position FROM conversations WHERE id = NEW.conversation_id)",
    ),
    cleandoc("""
        UPDATE messages SET position = (SELECT last_position FROM conversations WHERE id = NEW.conversation_id)
          WHERE id = NEW.id AND position IS NULL
    """),
    cleandoc("""
        UPDATE conversation_participants
          SET unread = unread + CASE WHEN participant = NEW.participant THEN 0 ELSE 1 END,
            last_at = CASE WHEN NEW.created_at > last_at THEN NEW.created_at ELSE last_at END
          WHERE conversation_id = NEW.conversation_id
    """),
    _told_of_message(ChangeKind.MESSAGE_SENT, "m.created_at"),
)

_SAID: Final = ("text", "attachments", "deleted_at")
# A writer that does not increase the version and name an actor is another program. As for orders, the inner UPDATE
# does not fire this again.
_CHANGED: Final[tuple[str, ...]] = (
    cleandoc("""
        UPDATE messages SET version = OLD.version + 1, actor = @external_actor,
            edited_at = CASE WHEN NEW.deleted_at IS NULL THEN @now ELSE NEW.edited_at END
          WHERE id = NEW.id AND NEW.version <= OLD.version
    """),
    cleandoc("""
        INSERT INTO message_history (message_id, version, former_text, former_attachments, actor, reason, at)
          SELECT m.id, OLD.version, OLD.text, OLD.attachments, m.actor, m.reason,
            coalesce(m.deleted_at, m.edited_at, @now)
          FROM messages m WHERE m.id = NEW.id
    """),
    _told_of_message(ChangeKind.MESSAGE_CHANGED, "coalesce(m.deleted_at, m.edited_at, @now)"),
)
# Erasing a customer removes them from conversations, and writes no message to the feed.
_IS_ERASED: Final = f"NEW.text = '{ERASED_TEXT}' AND NEW.actor = '{ERASED_ACTOR}'"
_ERASABLE: Final = ("sender", "client_id")
_KEPT: Final = ("id", "conversation_id", "participant", "created_at")

# --- Receipts ---------------------------------------------------------------------------------------------------------

_SEEN: Final[tuple[str, ...]] = (
    cleandoc("""
        UPDATE conversation_participants
          SET unread = (SELECT count(*) FROM messages m WHERE m.conversation_id = NEW.conversation_id
            AND m.position > NEW.seen AND m.participant <> NEW.participant)
          WHERE conversation_id = NEW.conversation_id AND participant = NEW.participant AND NEW.seen <> OLD.seen
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT '{ChangeKind.CONVERSATION_SEEN}', c.id, p.seen, p.participant, NULL, @now, NULL, @json_text({_RECEIPT})
          FROM conversation_participants p JOIN conversations c ON c.id = p.conversation_id
          WHERE p.conversation_id = NEW.conversation_id AND p.participant = NEW.participant
    """),
)
_GOES_ON: Final = (
    Refusal("receipts_go_on: what was read stays read", "NEW.seen < OLD.seen OR NEW.delivered < OLD.delivered"),
    Refusal(
        "receipts_of_messages: nobody has read what nobody has written",
        "NEW.seen > (SELECT last_position FROM conversations WHERE id = NEW.conversation_id)"
        " OR NEW.delivered > (SELECT last_position FROM conversations WHERE id = NEW.conversation_id)",
    ),
)

# --- What stays as it was written -------------------------------------------------------------------------------------

_POSITIONS: Final = "message_position: positions are counted one by one"
_FORGOTTEN: Final = ("former_text", "former_attachments", "reason")
_FORGETS: Final = (
    f"NEW.former_text = '{ERASED_TEXT}' AND NEW.former_attachments = '[]' AND NEW.reason IS NULL"
    f" AND {same(name for name in message_history.columns if name not in _FORGOTTEN)}"
)
_ADDED_TO: Final = "history is only ever added to"

TRIGGERS: Final = (
    Trigger("conversations_opened", "AFTER INSERT", "conversations", _OPENED),
    Trigger(
        "conversations_followed",
        "AFTER UPDATE",
        "conversations",
        _FOLLOWED,
        when=changed(["customer_id", "assignee_role", "assignee_id"]),
    ),
    Trigger("conversations_of_mirrored", "AFTER UPDATE", "mirrored_orders", (FOLLOW_ORDER,)),
    refused(
        "conversations_counted",
        "UPDATE",
        "conversations",
        _POSITIONS,
        when="NEW.last_position < OLD.last_position OR NEW.last_position > OLD.last_position + 1",
    ),
    refused(
        "conversations_named_once",
        "UPDATE",
        "conversations",
        "a conversation stays about what it is about",
        when=changed(["id", "about", "subject_id"]),
    ),
    refused("conversations_kept", "DELETE", "conversations", "a conversation is never deleted"),
    Trigger("messages_sent", "AFTER INSERT", "messages", _SENT),
    Trigger(
        "messages_changed", "AFTER UPDATE", "messages", _CHANGED, when=f"({changed(_SAID)}) AND NOT ({_IS_ERASED})"
    ),
    refused(
        "messages_stay",
        "UPDATE",
        "messages",
        "message_position: a message keeps its place and whoever wrote it",
        when=f"NOT ({same(_KEPT)}) OR NEW.position <> OLD.position OR (NOT ({same(_ERASABLE)}) AND NOT ({_IS_ERASED}))",
    ),
    refused("messages_kept", "DELETE", "messages", "a message is marked as deleted, never removed"),
    Trigger("receipts_go_on", "BEFORE UPDATE", "conversation_participants", _GOES_ON, when=changed(_RECEIPTS)),
    Trigger("receipts_told", "AFTER UPDATE", "conversation_participants", _SEEN, when=changed(_RECEIPTS)),
    refused("participants_kept", "DELETE", "conversation_participants", "a participant is never deleted"),
    refused("message_history_kept", "DELETE", "message_history", _ADDED_TO),
    refused("message_history_unchanged", "UPDATE", "message_history", _ADDED_TO, when=f"NOT ({_FORGETS})"),
)
