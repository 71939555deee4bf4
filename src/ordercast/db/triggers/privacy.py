"""Erased customers: every node is told, for it may remember events of before."""

from __future__ import annotations

from inspect import cleandoc

from ordercast.db.dialects import Dialect, Trigger
from ordercast.db.trigger_helpers import FEED_COLUMNS


def privacy_triggers(dialect: Dialect) -> list[Trigger]:
    document = dialect.json_text(dialect.object_of(["'id', NEW.id"]))
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES ('customer.erased', NEW.customer_id, 1, NEW.actor, NULL, NEW.at, NULL, {document})
    """)
    return [Trigger("customers_erased", "AFTER INSERT", "erasures", (told,))]
