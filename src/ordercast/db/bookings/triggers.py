"""Triggers of bookings: each change is numbered, recorded in history, and written to the feed."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.booking_transitions import COMING
from ordercast.commerce.people import Role
from ordercast.db.conversations.subject_triggers import FOLLOW_BOOKING, OPEN_FOR_BOOKING
from ordercast.db.dialects import Trigger
from ordercast.db.noun import ERASED_ACTOR
from ordercast.db.sql import literals
from ordercast.db.trigger_helpers import FEED_COLUMNS, changed, refused, same
from ordercast.db.types import ChangeKind

from .document import PUBLISHED_COLUMNS, booking_document
from .rules import RULES, TABLE
from .table import booking_history

_HISTORY_COLUMNS: Final = (
    "booking_id, version, from_status, to_status, from_payment_status, to_payment_status, from_starts_at, starts_at,"
    " from_carer_id, carer_id, actor, reason, at"
)
_OLD, _NEW, _NOW = booking_document("OLD"), booking_document("NEW"), booking_document("bookings")

_PLACED: Final = (
    OPEN_FOR_BOOKING,
    cleandoc(f"""
        INSERT INTO booking_history ({_HISTORY_COLUMNS})
          VALUES (NEW.id, NEW.version, NULL, NEW.status, NULL, NEW.payment_status, NULL, NEW.starts_at,
            NULL, NEW.carer_id, NEW.actor, NEW.reason, NEW.updated_at)
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES (
            CASE WHEN NEW.status IN ({literals(COMING)}) THEN '{ChangeKind.BOOKING_PLACED}'
              ELSE '{ChangeKind.BOOKING_IMPORTED}' END,
            NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at, NULL, {_NEW})
    """),
)

# The inner UPDATE changes no published column, so the trigger does not fire again, whatever SQLite's
# recursive_triggers. The feed row is then made from the resulting row.
_CHANGED: Final = (
    cleandoc("""
        UPDATE bookings SET version = OLD.version + 1, actor = @external_actor, reason = NULL, updated_at = @now
          WHERE number = NEW.number AND NEW.version <= OLD.version
    """),
    FOLLOW_BOOKING,
    cleandoc(f"""
        INSERT INTO booking_history ({_HISTORY_COLUMNS})
          SELECT id, version, OLD.status, status, OLD.payment_status, payment_status,
            CASE WHEN OLD.starts_at <> starts_at THEN OLD.starts_at END, starts_at,
            CASE WHEN OLD.carer_id <> carer_id THEN OLD.carer_id END, carer_id, actor, reason, updated_at
          FROM bookings WHERE number = NEW.number
    """),
    cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT
            CASE
              WHEN OLD.status <> status THEN '{ChangeKind.BOOKING_STATUS_CHANGED}'
              WHEN OLD.starts_at <> starts_at OR OLD.ends_at <> ends_at OR OLD.carer_id <> carer_id
                THEN '{ChangeKind.BOOKING_RESCHEDULED}'
              WHEN OLD.payment_status <> payment_status
                OR OLD.captured <> captured OR OLD.refunded <> refunded OR OLD.refunding <> refunding
                THEN '{ChangeKind.BOOKING_PAYMENT_CHANGED}'
              ELSE '{ChangeKind.BOOKING_CHANGED}'
            END,
            id, version, actor, reason, updated_at, {_OLD}, {_NOW}
          FROM bookings WHERE number = NEW.number
    """),
)

# The only change of history: erasing a customer removes person and reason.
_BY_CUSTOMER: Final = f"{Role.CUSTOMER}:"
_KEPT_COLUMNS: Final = [name for name in booking_history.columns if name not in {"actor", "reason"}]
_FORGETS: Final = (
    f"(substr(OLD.actor, 1, {len(_BY_CUSTOMER)}) = '{_BY_CUSTOMER}' OR OLD.actor = '{Role.GUEST}')"
    f" AND NEW.actor = '{ERASED_ACTOR}'"
    f" AND NEW.reason IS NULL AND {same(_KEPT_COLUMNS)}"
)
_ADDED_TO: Final = "history is only ever added to"

TRIGGERS: Final = (
    *RULES,
    Trigger("bookings_placed", "AFTER INSERT", TABLE, _PLACED),
    Trigger("bookings_changed", "AFTER UPDATE", TABLE, _CHANGED, when=changed(PUBLISHED_COLUMNS)),
    refused("bookings_kept", "DELETE", TABLE, "a booking is cancelled, never deleted"),
    refused(
        "bookings_named_once", "UPDATE", TABLE, "a booking keeps its id and number", when=changed(["id", "number"])
    ),
    refused("booking_history_kept", "DELETE", "booking_history", _ADDED_TO),
    refused("booking_history_unchanged", "UPDATE", "booking_history", _ADDED_TO, when=f"NOT ({_FORGETS})"),
)
