"""The sandbox provider's own books."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy import func as sql

from ordercast.db.schema import sandbox_notices, sandbox_payments

from .compiling import ZERO, Compiler, to_change

_ENTRY: Final = (
    "reference", "key", "card", "currency", "authorized", "captured", "refunded", "held", "disputed", "asked",
)  # fmt: skip


class SandboxStatements:
    def __init__(self, text: Compiler) -> None:
        row = text.dialect.insert(sandbox_payments).values({n: bindparam(n) for n in (*_ENTRY, "created_at")})
        self.open = text(row.on_conflict_do_nothing(index_elements=["key"]))
        entry = select(*(sandbox_payments.c[name] for name in _ENTRY))
        self.by_key = text(entry.where(sandbox_payments.c.key == bindparam("key")))
        by_reference = entry.where(sandbox_payments.c.reference == bindparam("reference"))
        self.by_reference = text(by_reference)
        self.by_reference_to_change = text(to_change(by_reference))
        self.save = text(
            update(sandbox_payments)
            .values({n: bindparam(f"new_{n}") for n in ("captured", "refunded", "held", "disputed", "asked")})
            .where(sandbox_payments.c.reference == bindparam("of_reference"))
        )
        self.announce = text(insert(sandbox_notices).values({n: bindparam(n) for n in ("id", "body", "due_at")}))
        self.due_events = text(
            select(sandbox_notices.c.id, sandbox_notices.c.body)
            .where(sandbox_notices.c.due_at <= bindparam("now"))
            .order_by(sandbox_notices.c.due_at)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.next_notice = text(select(sql.min(sandbox_notices.c.due_at)))
        self.drop_event = text(sandbox_notices.delete().where(sandbox_notices.c.id == bindparam("id")))
