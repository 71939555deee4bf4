"""Makes, and takes away, what a mapping needs in a shop's MySQL database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ordercast.attach.mapping import Fault, MappingError
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.sections import VERBS
from ordercast.attach.suggestions import Dialect, KnownTable
from ordercast.config import MysqlUrl

from .catalogue import AttachedTrigger, quoted
from .checking import Found, Trigger, applied_faults, catalogue_of, is_same, notes, resolve
from .compiling import (
    OUTBOX,
    PUBLISH,
    create_outbox,
    create_publish,
    create_trigger,
    missed,
    outbox_of,
    publish_body,
)
from .connecting import ask, connect

_SCRIPT_END: Final = "//"
# A person waits for it, and may end it.
ANSWER_S_MAX: Final = 60.0


class MysqlAttaching:
    """One connection to the shop's database. Used as a context, and ended there."""

    dialect: Dialect = "mysql"

    def __init__(self, url: MysqlUrl, mapping: MappingFile) -> None:
        """Raises pymysql.err.Error, OSError."""
        self._connection = connect(url, statement_s=0, answer_s=ANSWER_S_MAX)
        self._database = url.database
        self._mapping = mapping

    def __enter__(self) -> MysqlAttaching:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def known_tables(self) -> list[KnownTable]:
        """All tables, for a suggestion."""
        catalogue = catalogue_of(self._connection, self._database)
        tables = [table for name in catalogue.names() if (table := catalogue.table(name)) is not None]
        return [
            KnownTable(
                table.name,
                tuple(table.columns),
                table.key,
                catalogue.references(table),
                unheard=tuple(clause for verb in VERBS for clause in catalogue.unheard(table, verb)),
            )
            for table in tables
        ]

    def check(self) -> list[Fault]:
        """All that keeps something from being told as the file says."""
        found = self._resolve()
        applied = applied_faults(self._connection, found, self._mapping, self._database)
        return sorted([*found.faults, *applied])

    def notes(self) -> list[Fault]:
        """What is to be known besides, and is no fault."""
        return sorted({*notes(self._connection, self._resolve(), self._mapping, self._database)})

    def _resolve(self) -> Found:
        return resolve(self._connection, self._mapping, self._database)

    # --- Making -----------------------------------------------------------------------------------------------------

    def statements(self) -> list[str]:
        """What makes what is missing, and takes away what is of no use any more. Raises MappingError."""
        found = self._resolve()
        if found.faults:
            raise MappingError(self._mapping.path, list(found.faults))
        return list(self._statements(found))

    def _statements(self, found: Found) -> Iterator[str]:
        catalogue = catalogue_of(self._connection, self._database)
        attached = catalogue.attached(outbox_of(self._database), found.schemas)
        there = {(each.schema, each.name): each for each in attached if found.has_place_for(each)}
        had_outbox = catalogue.has_table(OUTBOX)
        if not had_outbox:
            yield create_outbox(self._database)
        procedure = catalogue.procedure(PUBLISH)
        if procedure not in {"", publish_body(self._database)}:
            if procedure is not None:
                yield _drop_publish(self._database)
            yield create_publish(self._database)
        # Of no use, or on a table that was swapped for another: that is none which is told.
        yield from (_drop(each) for each in attached if not found.has_place_for(each))
        wanted = [each for each in found.triggers.values() if not is_same(there.get(each.place), each)]
        for name in dict.fromkeys(each.table.quoted for each in wanted):
            yield from self._replacing([each for each in wanted if each.table.quoted == name], there)
        # A trigger that is made where an outbox was before, or the other way round, has missed something in between.
        unseen = (
            {each.emit.name for each in wanted if each.place not in there}
            if had_outbox
            else {each.emit.name for each in found.triggers.values() if each.place in there}
        )
        yield from (missed(emit, self._database) for emit in self._mapping.sections if emit.name in unseen)

    def _replacing(self, wanted: list[Trigger], there: dict[tuple[str, str], AttachedTrigger]) -> Iterator[str]:
        """Triggers of one table. Where one is another, nobody writes to the table while it is gone."""
        former = [there[each.place] for each in wanted if each.place in there]
        if former:
            yield f"LOCK TABLES {wanted[0].table.quoted} WRITE"
        yield from map(_drop, former)
        for each in wanted:
            yield create_trigger(each.emit, each.verb, each.table, self._database)
        if former:
            yield "UNLOCK TABLES"

    def apply(self) -> list[str]:
        """Do so: what was done. Each statement commits by itself. Raises MappingError, pymysql.err.Error, OSError."""
        return self._run(self.statements())

    def script(self) -> str:
        """The same, for `mariadb` or `mysql` at a terminal."""
        statements = "".join(f"{statement}{_SCRIPT_END}\n\n" for statement in self.statements())
        return f"DELIMITER {_SCRIPT_END}\n\n{statements}DELIMITER ;\n"

    # --- Taking away ------------------------------------------------------------------------------------------------

    def detach(self, *, with_schema: bool) -> list[str]:
        """Take away every trigger, the procedure and the outbox. Raises pymysql.err.Error, OSError."""
        del with_schema  # ours is in a database of its own
        catalogue = catalogue_of(self._connection, self._database)
        schemas = self._resolve().schemas
        done = [_drop(each) for each in catalogue.attached(outbox_of(self._database), schemas)]
        return self._run([*done, _drop_publish(self._database), f"DROP TABLE IF EXISTS {outbox_of(self._database)}"])

    def _run(self, statements: list[str]) -> list[str]:
        for statement in statements:
            ask(self._connection, statement)
        return statements


def _drop(trigger: AttachedTrigger) -> str:
    return f"DROP TRIGGER IF EXISTS {quoted(trigger.schema)}.{quoted(trigger.name)}"


def _drop_publish(database: str) -> str:
    return f"DROP PROCEDURE IF EXISTS {quoted(database)}.{quoted(PUBLISH)}"
