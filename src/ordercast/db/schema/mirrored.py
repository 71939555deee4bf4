"""Orders that live in another program's database, as they were last told, and how far each source has been read."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Table
from sqlalchemy import text as sql

from .columns import Integer, Text, flag, json_text, metadata, moment, partial

_IS_ORDER: Final = "document IS NOT NULL"

mirrored_orders = Table(
    "mirrored_orders",
    metadata,
    # The order in which they came; it sorts lists.
    Column("entry", Integer, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    # The document's own key as extended JSON: an id of whatever type it has there.
    Column("foreign_key", Text, nullable=False),
    # What people and programs call the order; none for a document that is no order.
    Column("id", Text, unique=True),
    Column("version", Integer, nullable=False, server_default=sql("0")),
    # As ``documents.order_document`` has it; none until there is something to tell.
    json_text("document"),
    Column("status", Text),
    Column("customer_id", Text),
    Column("driver_id", Text),
    # The foreign document whole, as extended JSON: changes of it are told as differences, which are applied to it.
    Column("raw", Text, nullable=False),
    # The source's time at which a snapshot showed it so: changes up to then are in it already.
    Column("as_of", Text, nullable=False),
    # Which snapshot saw it last.
    Column("snapshot", Integer, nullable=False),
    # It is there no more.
    flag("gone", False),
    # It was there before we were: no news.
    flag("imported", False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
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
    Column("name", Text, primary_key=True),
    # Counts every step: who took one from a position that is no longer the newest takes it back.
    Column("revision", Integer, nullable=False, server_default=sql("0")),
    # Which snapshot this is, counted from one; and how far it has come, none once it is whole.
    Column("snapshot", Integer, nullable=False, server_default=sql("0")),
    Column("phase", Text, nullable=False, server_default="new"),
    Column("after_key", Text),
    # Where the stream goes on: behind a token, or from a time.
    Column("token", Text),
    Column("starts_at", Text),
    # Something was lost, which the next snapshot makes good.
    flag("lost", False),
    # How often that has happened; each time is told.
    Column("resyncs", Integer, nullable=False, server_default=sql("0")),
    moment("updated_at"),
    sqlite_with_rowid=False,
)
