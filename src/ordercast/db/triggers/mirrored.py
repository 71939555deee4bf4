"""Orders that live elsewhere: what is mirrored is told as if it had happened here."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.db.dialects import Dialect, Trigger
from ordercast.db.trigger_helpers import FEED_COLUMNS

_PAYMENT: Final = ("paymentStatus", "amountPaid", "amountRefunded")


def mirrored_triggers(dialect: Dialect) -> list[Trigger]:
    return [_told(dialect), _resynced(dialect)]


def _told(dialect: Dialect) -> Trigger:
    # A row begins without a document, so that everything is told by an UPDATE. What was there before us is no news.
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES (
            CASE
              WHEN OLD.document IS NULL AND NEW.imported = 1 THEN 'order.imported'
              WHEN OLD.document IS NULL THEN 'order.placed'
              WHEN {_differs("status")} THEN 'order.status_changed'
              WHEN {" OR ".join(map(_differs, _PAYMENT))} THEN 'order.payment_changed'
              ELSE 'order.changed'
            END,
            NEW.id, NEW.version, NEW.actor, NEW.reason, NEW.updated_at,
            {dialect.json_text("OLD.document")}, {dialect.json_text("NEW.document")})
    """)
    when = "NEW.document IS NOT NULL AND OLD.document IS DISTINCT FROM NEW.document"
    return Trigger("mirrored_told", "AFTER UPDATE", "mirrored_orders", (told,), when=when)


def _differs(member: str) -> str:
    return f"(OLD.document ->> '{member}') IS DISTINCT FROM (NEW.document ->> '{member}')"


def _resynced(dialect: Dialect) -> Trigger:
    reason = dialect.json_text(dialect.object_of(["'reason', 'source_history_lost'"]))
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES ('feed.resync', NEW.name, NEW.resyncs, NEW.name, NULL, NEW.updated_at, NULL, {reason})
    """)
    return Trigger("sources_resynced", "AFTER UPDATE", "source_positions", (told,), when="NEW.resyncs > OLD.resyncs")
