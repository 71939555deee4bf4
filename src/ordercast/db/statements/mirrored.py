"""Orders that live elsewhere, and how far each source has been read."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, bindparam, insert, literal_column, select, update

from ordercast.db.schema import mirrored_orders, source_positions

from .compiling import ONE, ZERO, Compiler

MIRRORED_FROM: Final = 10**15
"""Lists name a mirrored order by its entry and this much: one cursor leads through both tables."""

_ROW: Final = ("entry", "id", "version", "document", "raw", "as_of", "gone")
_SAVED: Final = (
    "id", "version", "document", "status", "customer_id", "driver_id", "raw", "as_of", "snapshot", "gone", "imported",
    "actor", "reason", "updated_at",
)  # fmt: skip
_BEGUN: Final = ("source", "foreign_key", "raw", "as_of", "snapshot", "actor", "updated_at")
_POSITION: Final = ("revision", "snapshot", "phase", "after_key", "token", "starts_at", "lost", "resyncs")


class MirrorStatements:
    def __init__(self, text: Compiler) -> None:
        rows, places = mirrored_orders.c, source_positions.c
        self.find = text(
            select(*(rows[name] for name in _ROW)).where(
                rows.source == bindparam("source"), rows.foreign_key == bindparam("foreign_key")
            )
        )
        self.begin = text(insert(mirrored_orders).values({name: bindparam(name) for name in _BEGUN}))
        self.save = text(
            update(mirrored_orders)
            .values({name: bindparam(f"new_{name}") for name in _SAVED})
            .where(rows.entry == bindparam("row_entry"))
        )
        self.id_taken = text(select(rows.entry).where(rows.id == bindparam("id")))
        self.unseen = text(
            select(rows.foreign_key)
            .where(
                rows.source == bindparam("source"),
                rows.snapshot < bindparam("snapshot"),
                rows.gone == ZERO,
            )
            .order_by(rows.snapshot, rows.entry)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.position = text(select(*(places[name] for name in _POSITION)).where(places.name == bindparam("name")))
        self.begin_position = text(
            text.dialect.insert(source_positions).values(name=bindparam("name")).on_conflict_do_nothing()
        )
        self.move_position = text(
            update(source_positions)
            .values(
                {name: bindparam(f"new_{name}") for name in _POSITION if name != "revision"}
                | {"revision": places.revision + ONE, "updated_at": bindparam("new_updated_at")}
            )
            .where(places.name == bindparam("source_name"), places.revision == bindparam("expected_revision"))
        )
        self.document = text(
            select(rows.document, rows.customer_id, rows.driver_id, rows.status).where(
                rows.id == bindparam("id"), rows.document.is_not(None)
            )
        )
        key: ColumnElement[int] = rows.entry + literal_column(str(MIRRORED_FROM))
        newest = (
            select(key, rows.document)
            .where(rows.entry < bindparam("before") - literal_column(str(MIRRORED_FROM)), rows.document.is_not(None))
            .order_by(rows.entry.desc())
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        with_status = rows.status == bindparam("status")
        of_customer = rows.customer_id == bindparam("customer_id")
        of_driver = rows.driver_id == bindparam("driver_id")
        self.before = text(newest)
        self.with_status_before = text(newest.where(with_status))
        self.of_customer_before = text(newest.where(of_customer))
        self.of_customer_with_status_before = text(newest.where(of_customer, with_status))
        self.of_driver_before = text(newest.where(of_driver))
        self.of_driver_with_status_before = text(newest.where(of_driver, with_status))
