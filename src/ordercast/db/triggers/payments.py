"""The ledger is only ever added to, and each mismatch is told."""

from __future__ import annotations

from typing import Final

from .making import FEED_COLUMNS, refused

_DOCUMENT: Final = """json_object(
        'id', NEW.id, 'orderId', NEW.order_id, 'provider', NEW.provider, 'reference', NEW.reference,
        'kind', NEW.kind, 'ours', json(NEW.ours), 'theirs', json(NEW.theirs), 'text', NEW.sentence,
        'createdAt', NEW.created_at, 'resolvedAt', NEW.resolved_at, 'resolvedBy', NEW.resolved_by, 'note', NEW.note)"""


def _told(name: str, deed: str, version: int, at: str) -> str:
    return f"""
CREATE TRIGGER {name} AFTER {deed}
BEGIN
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES ('payment.mismatch', NEW.id, {version}, NEW.actor, NULL, {at}, NULL,
      {_DOCUMENT});
END
""".strip()  # noqa: S608 - made of names alone


_RESOLVED: Final = "UPDATE ON payment_mismatches WHEN OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL"
_ADDED_TO: Final = "the ledger of payments is only ever added to"

PAYMENT_TRIGGERS: Final[dict[str, str]] = {
    "mismatches_raised": _told("mismatches_raised", "INSERT ON payment_mismatches", 1, "NEW.created_at"),
    "mismatches_resolved": _told("mismatches_resolved", _RESOLVED, 2, "NEW.resolved_at"),
    **{
        f"{table}_{rule}": refused(f"{table}_{rule}", f"{deed} ON {table}", _ADDED_TO)
        for table in ("payments", "refunds")
        for rule, deed in (("kept", "DELETE"), ("unchanged", "UPDATE"))
    },
}
