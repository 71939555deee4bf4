"""Makes, and takes away, what a mapping needs in a shop's SQLite file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ordercast.attach.attaching import transaction_script
from ordercast.attach.mapping import Fault, MappingError
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.section_faults import APPLY, missing_trigger, needless_trigger, other_trigger
from ordercast.attach.suggestions import Dialect, KnownTable
from ordercast.db.sql import quoted

from .compiling import OUTBOX, PUBLISH, SUPPORT, Found, resolve, slow_filters, table_of

# As long as a shop's own programs wait for each other.
BUSY_S_MAX = 5.0
_OURS = """
SELECT name, type, sql, tbl_name FROM sqlite_master
WHERE type IN ('trigger', 'view', 'table') AND substr(name, 1, 10) = 'ordercast_'
"""
# In the order of their making.
_TRIGGERS = "SELECT rowid, name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"


def open_file(path: Path) -> sqlite3.Connection:
    """Open the shop's file, which must be there; its journal stays as it is. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=BUSY_S_MAX,
        check_same_thread=False,
    )
    connection.text_factory = lambda stored: stored.decode("utf-8", "replace")
    return connection


def applied_faults(connection: sqlite3.Connection, found: Found, mapping: MappingFile) -> Iterator[Fault]:
    """What is missing, or another than it should be."""
    there = {name: (sql, table) for name, _, sql, table in connection.execute(_OURS)}
    for name in SUPPORT:
        if there.pop(name, None) is None and found.triggers:
            yield Fault(1, f"{name} is missing in the shop's file: {APPLY}")
    for name, (emit, sql) in found.triggers.items():
        former = there.pop(name, None)
        if former is None:
            yield missing_trigger(emit)
        elif former[0] != sql:
            yield other_trigger(emit)
    for name, theirs in overtaken(connection, found).items():
        emit, _ = found.triggers[name]
        yield Fault(
            emit.line,
            f"the shop's trigger {theirs} on {emit.table} was made after ours, and what it changes is told before what"
            f" fired it: {APPLY} anew",
        )
    ids = {section.id for section in mapping.sections}
    for name, (_, table) in there.items():
        if name.split("_")[1] not in ids:
            yield needless_trigger(table)


def overtaken(connection: sqlite3.Connection, found: Found) -> dict[str, str]:
    """Triggers of ours beside one of the shop's that writes to the table and was made later: that fires first."""
    made = connection.execute(_TRIGGERS).fetchall()
    places = {name: place for place, name, _, _ in made}
    return {
        ours: theirs
        for ours, (emit, _) in found.triggers.items()
        for place, theirs, table, sql in made
        if table == found.tables[emit.name].name
        and place > places.get(ours, place)
        and theirs not in found.triggers
        and table.casefold() in re.split(r"(?i)\bBEGIN\b", sql, maxsplit=1)[-1].casefold()
    }


class SqliteAttaching:
    """One connection to the shop's file. Used as a context, and ended there."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, mapping: MappingFile) -> None:
        """Raises sqlite3.Error."""
        self._connection = open_file(path)
        self._mapping = mapping

    def __enter__(self) -> SqliteAttaching:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def known_tables(self) -> list[KnownTable]:
        """All tables, for a suggestion."""
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return [self._known_table(name) for (name,) in names]

    def _known_table(self, name: str) -> KnownTable:
        table = table_of(self._connection, name)
        assert table is not None
        references = self._connection.execute('SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', [name])
        known = {column: (of, to or "id") for column, of, to in references}
        return KnownTable(name, tuple(table.columns), table.key, known)

    def check(self) -> list[Fault]:
        """All that keeps something from being told as the file says."""
        found = resolve(self._connection, self._mapping)
        return sorted([*found.faults, *applied_faults(self._connection, found, self._mapping)])

    def notes(self) -> list[Fault]:
        """What is to be known besides, and is no fault."""
        return list(slow_filters(self._connection, self._mapping))

    def statements(self) -> list[str]:
        """What makes what is missing, and takes away what is of no use any more. Raises MappingError."""
        found = resolve(self._connection, self._mapping)
        if found.faults:
            raise MappingError(self._mapping.path, list(found.faults))
        there = {name: sql for name, _, sql, _ in self._connection.execute(_OURS)}
        late = overtaken(self._connection, found)
        made = [sql for name, sql in SUPPORT.items() if name not in there]
        for name, (_, sql) in found.triggers.items():
            if there.get(name) != sql or name in late:
                made += [f"DROP TRIGGER IF EXISTS {name}", sql]
        gone = there.keys() - found.triggers.keys() - SUPPORT.keys()
        return [*made, *(f"DROP TRIGGER IF EXISTS {name}" for name in sorted(gone))]

    def script(self) -> str:
        """The same, for a database administrator's terminal."""
        return transaction_script(self.statements())

    def apply(self) -> list[str]:
        """Do so, at once: what was done. Raises MappingError, sqlite3.Error."""
        return self._run(self.statements())

    def detach(self, *, with_schema: bool) -> list[str]:
        """Take away every trigger, and the outbox. Raises sqlite3.Error."""
        del with_schema  # ours is in a file of its own
        triggers = [name for name, type_, _, _ in self._connection.execute(_OURS) if type_ == "trigger"]
        done = [f"DROP TRIGGER IF EXISTS {quoted(name)}" for name in triggers]
        return self._run([*done, f"DROP VIEW IF EXISTS {PUBLISH}", f"DROP TABLE IF EXISTS {OUTBOX}"])

    def _run(self, statements: list[str]) -> list[str]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                self._connection.execute(statement)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return statements
