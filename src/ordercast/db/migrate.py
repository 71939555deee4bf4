"""Bringing a database file to a version of the schema.

Alembic is loaded only when there is something to migrate: that takes a fifth of a server's whole start.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from .connection import connect
from .schema import metadata
from .triggers import TRIGGERS
from .types import Unusable

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS: Final = Path(__file__).parent / "migrations"

NEWEST: Final = "0001"
"""The revision that this code works with; a test holds it to be the newest migration's."""
FIRST_ORDER_NUMBER: Final = 1001
_FIRST_ROWS: Final = (
    f"INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', {FIRST_ORDER_NUMBER - 1})",  # noqa: S608 - a number of ours
    "INSERT INTO shop (id) VALUES (1)",
    "INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(8))))",
)


def upgrade(path: Path, revision: str = NEWEST) -> None:
    """Bring the database at `path` up to `revision`; it is made if there is none. All of it, or nothing.

    Raises Unusable for a database of a revision that is not known here, and what SQLAlchemy or SQLite raise.
    """
    if _revision(path) == revision:
        return
    from alembic import command
    from alembic.util import CommandError

    with _config(path) as config:
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise Unusable(error) from error


def downgrade(path: Path, revision: str) -> None:
    """Take the database back; ``base`` leaves no table, and no data."""
    from alembic import command

    with _config(path) as config:
        command.downgrade(config, revision)


def schema_script() -> str:
    """The whole schema as the present tables and triggers have it, one statement per paragraph.

    A test holds it equal to what the migrations make.
    """
    dialect = sqlite.dialect()
    statements: list[str] = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=str)]
    statements += TRIGGERS.values()
    statements += _FIRST_ROWS
    return "\n\n".join(_tidy(statement) for statement in statements)


def write_first_migration() -> None:
    """Write the first migration's script anew. Only until a release has shipped it."""
    (_SCRIPTS / "versions" / "v0001_the_shop.sqlite.sql").write_text(schema_script() + "\n", encoding="utf-8")


def _tidy(statement: str) -> str:
    lines = (line.rstrip().replace("\t", "  ") for line in statement.strip().splitlines())
    return "\n".join(line for line in lines if line)


def _revision(path: Path) -> str | None:
    """What the database says of itself; None before its first migration."""
    connection = connect(path)
    try:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    finally:
        connection.close()
    return None if row is None else str(row[0])


@contextmanager
def _config(path: Path) -> Iterator[Config]:
    from alembic.config import Config

    engine = _engine(path)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        yield config


def _engine(path: Path) -> Engine:
    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver begins none for DDL; and two processes that start together must migrate one after the other.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
