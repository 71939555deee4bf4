"""The ledger is only ever added to, and each mismatch is told."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.db.dialects import Dialect, Trigger
from ordercast.db.trigger_helpers import FEED_COLUMNS, refused

_RESOLVED: Final = "OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL"
_ADDED_TO: Final = "the ledger of payments is only ever added to"


def payment_triggers(dialect: Dialect) -> list[Trigger]:
    raised = (_told(1, "NEW.created_at", dialect),)
    resolved = (_told(2, "NEW.resolved_at", dialect),)
    return [
        Trigger("mismatches_raised", "AFTER INSERT", "payment_mismatches", raised),
        Trigger("mismatches_resolved", "AFTER UPDATE", "payment_mismatches", resolved, when=_RESOLVED),
        *(
            refused(f"{table}_{rule}", deed, table, _ADDED_TO)
            for table in ("payments", "refunds")
            for rule, deed in (("kept", "DELETE"), ("unchanged", "UPDATE"))
        ),
    ]


def _told(version: int, at: str, dialect: Dialect) -> str:
    pairs = [
        "'id', NEW.id",
        "'orderId', NEW.order_id",
        "'provider', NEW.provider",
        "'reference', NEW.reference",
        "'kind', NEW.kind",
        f"'ours', {dialect.json_of('NEW.ours')}",
        f"'theirs', {dialect.json_of('NEW.theirs')}",
        "'text', NEW.sentence",
        "'createdAt', NEW.created_at",
        "'resolvedAt', NEW.resolved_at",
        "'resolvedBy', NEW.resolved_by",
        "'note', NEW.note",
    ]
    return cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES ('payment.mismatch', NEW.id, {version}, NEW.actor, NULL, {at}, NULL,
            {dialect.json_text(dialect.object_of(pairs))})
    """)
