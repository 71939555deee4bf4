"""Orders that live in another program's database, as they were last told, and how far each source has been read."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from ordercast.db import domains
from ordercast.db.columns import (
    actor,
    count,
    entry,
    flag,
    identifier,
    json_object,
    line,
    metadata,
    moment,
    of,
    partial,
    reason,
    text,
    version,
    word,
)

_IS_ORDER: Final = "document IS NOT NULL"

mirrored_orders = Table(
    "mirrored_orders",
    metadata,
    # The order in which they came; it sorts lists.
    entry(),
    line("source"),
    # The document's own key as extended JSON: an id of whatever type it has there.
    line("foreign_key"),
    # What people and programs call the order; none for a document that is no order.
    identifier("id", unique=True, optional=True),
    version(0),
    # As ``documents.order_document`` has it; none until there is something to tell.
    json_object("document", optional=True),
    word("status", optional=True),
    identifier("customer_id", optional=True),
    identifier("driver_id", optional=True),
    # The foreign document whole, as extended JSON: changes of it are told as differences, which are applied to it.
    of(domains.FOREIGN, "raw"),
    # The source's time at which a snapshot showed it so: changes up to then are in it already.
    word("as_of"),
    # Which snapshot saw it last.
    count("snapshot", default=None),
    # It is there no more.
    flag("gone", False),
    # It was there before we were: no news.
    flag("imported", False),
    actor(given=True),
    reason(),
    moment("updated_at"),
    Index("mirrored_by_key", "source", "foreign_key", unique=True),
    partial("mirrored_there", "source", "snapshot", "entry", where="gone = 0"),
    Index("mirrored_by_customer", "customer_id", "entry"),
    # As lists ask for them: of those that are orders.
    *(
        partial(f"mirrored_by_{name}", *columns, "entry", where=_IS_ORDER)
        for name, columns in {
            "entry": (),
            "status": ("status",),
            "customer_status": ("customer_id", "status"),
            "driver": ("driver_id",),
            "driver_status": ("driver_id", "status"),
        }.items()
    ),
    sqlite_autoincrement=True,
)

source_positions = Table(
    "source_positions",
    metadata,
    line("name", primary_key=True),
    # Counts every step: who took one from a position that is no longer the newest takes it back.
    count("revision"),
    # Which snapshot this is, counted from one; and how far it has come, none once it is whole.
    count("snapshot"),
    word("phase", default="new"),
    line("after_key", optional=True),
    # Where the stream goes on: behind a token, or from a time.
    text("token", optional=True),
    word("starts_at", optional=True),
    # Something was lost, which the next snapshot makes good.
    flag("lost", False),
    # How often that has happened; each time is told.
    count("resyncs"),
    moment("updated_at"),
    sqlite_with_rowid=False,
)
