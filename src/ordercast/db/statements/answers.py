"""What must be remembered: answers, returning sockets, facts of the database."""

from __future__ import annotations

from sqlalchemy import (
    bindparam,
    select,
)

from ordercast.db.schema import (
    idempotency,
    meta,
    sessions,
)

from .compiling import Compiler, insert_many, oldest, to_change


class AnswerStatements:
    def __init__(self, text: Compiler) -> None:
        self.earlier = text(
            select(idempotency.c.fingerprint, idempotency.c.answer).where(
                idempotency.c.scope == bindparam("scope"), idempotency.c.key == bindparam("key")
            )
        )
        self.keep = insert_many(text, idempotency, idempotency.c.keys(), once=True)
        self.forget_old = text(oldest(idempotency, idempotency.c.created_at))


class SessionStatements:
    def __init__(self, text: Compiler) -> None:
        session_row = text.dialect.insert(sessions)
        self.save = text(
            session_row.on_conflict_do_update(
                index_elements=["pid"],
                set_={n: session_row.excluded[n] for n in ("sid", "namespace", "identity", "rooms", "seen_at")},
            )
        )
        self.load = text(
            select(*(sessions.c[name] for name in sessions.c.keys())).where(  # noqa: SIM118
                sessions.c.pid.in_(text.dialect.values_of("pids"))
            )
        )
        self.forget = text(sessions.delete().where(sessions.c.pid == bindparam("pid")))
        self.forget_all = text(sessions.delete().where(sessions.c.pid.in_(text.dialect.values_of("pids"))))
        self.forget_old = text(oldest(sessions, sessions.c.seen_at))


class MetaStatements:
    def __init__(self, text: Compiler) -> None:
        value = select(meta.c.value).where(meta.c.name == bindparam("name"))
        self.value = text(value)
        self.value_to_change = text(to_change(value))
        self.forget = text(meta.delete().where(meta.c.name == bindparam("name")))
        fact = text.dialect.insert(meta).values({name: bindparam(name) for name in ("name", "value")})
        self.keep = text(fact.on_conflict_do_update(index_elements=["name"], set_={"value": fact.excluded.value}))
        self.add = text(fact.on_conflict_do_nothing())
