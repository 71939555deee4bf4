"""Bringing a database to a version of the schema.

Alembic is loaded only when there is something to migrate: that takes a fifth of a server's whole start.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.schema import CreateIndex, CreateTable

from .connections.sqlite import connect, create_private
from .dialects import DIALECTS, POSTGRESQL, SQLITE, Dialect
from .schema import feed, feed_to_number, metadata
from .schema.domains import DOMAINS
from .triggers import triggers
from .types import Unusable

if TYPE_CHECKING:
    from alembic.config import Config

Place: TypeAlias = Path | str
"""Where a database is: the file of SQLite, or the URL of PostgreSQL."""

_SCRIPTS: Final = Path(__file__).parent / "migrations"

NEWEST: Final = "0001"
"""The revision that this code works with; a test holds it to be the newest migration's."""
FIRST_ORDER_NUMBER: Final = 1001
# Any number will do, but each node must take the same, and nobody else.
_LOCK: Final = 0x6F72_6465_7263_6173

_FIRST_ROWS: Final = {
    SQLITE: (
        f"INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', {FIRST_ORDER_NUMBER - 1})",  # noqa: S608 - a number of ours
        "INSERT INTO shop (id) VALUES (1)",
        "INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(8))))",
    ),
    POSTGRESQL: (
        f"ALTER SEQUENCE orders_number_seq RESTART WITH {FIRST_ORDER_NUMBER}",
        "INSERT INTO shop (id) VALUES (1)",
        "INSERT INTO meta (name, value) VALUES ('epoch', right(replace(gen_random_uuid()::text, '-', ''), 16))",
    ),
}


class NotMigrated(Exception):
    def __init__(self, revision: str | None) -> None:
        is_of = "has no schema yet" if revision is None else f"is of revision {revision}, not {NEWEST}"
        super().__init__(f"it {is_of}; run `ordercast migrate` first")


class NotOurs(Exception):
    """The tables are another program's, or left of a migration that was not this one's."""

    def __init__(self, place: Place, tables: Sequence[str]) -> None:
        way = (
            "name another file in ORDERCAST_DATABASE_URL"
            if isinstance(place, Path)
            else "give the shop a database or a schema of its own: CREATE SCHEMA shop, and end ORDERCAST_DATABASE_URL"
            " with ?options=-csearch_path%3Dshop"
        )
        super().__init__(f"it holds tables of another program ({', '.join(tables)}); {way}")


# --- Up and down ------------------------------------------------------------------------------------------------------


def upgrade(place: Place, revision: str = NEWEST) -> None:
    """Bring the database at `place` up to `revision`; a file is made if there is none. All of it, or nothing.

    Raises Unusable for a database of a revision that is not known here, and what SQLAlchemy or the driver raise.
    """
    found = revision_of(place)
    if found == revision:
        return
    if found is None and (foreign := _foreign_tables(place)):
        raise Unusable(NotOurs(place, foreign))
    from alembic import command
    from alembic.util import CommandError

    with _config(place) as config:
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise Unusable(error) from error


def downgrade(place: Place, revision: str) -> None:
    """Take the database back; ``base`` leaves no table, and no data."""
    from alembic import command

    with _config(place) as config:
        command.downgrade(config, revision)


def must_be_newest(place: Place) -> None:
    """Raise Unusable, with the command to run, for a database that is not of the revision that this code works with."""
    revision = revision_of(place)
    if revision != NEWEST:
        raise Unusable(NotMigrated(revision))


def _foreign_tables(place: Place) -> list[str]:
    """Tables that have names of ours in a database that was never migrated."""
    statement = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    if isinstance(place, str):
        statement = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    with closing(_connect(place)) as connection:
        names = {str(name).lower() for (name,) in connection.execute(statement).fetchall()}
    return sorted(names & metadata.tables.keys())


def revision_of(place: Place) -> str | None:
    """What the database says of itself; None before its first migration."""
    there = "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
    if isinstance(place, str):
        there = "SELECT to_regclass('alembic_version')"
    with closing(_connect(place)) as connection:
        row = connection.execute(there).fetchone()
        if row is None or row[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


# --- The script of the first migration --------------------------------------------------------------------------------


def schema_script(dialect: Dialect) -> str:
    """The whole schema as the present tables and triggers have it, one statement per paragraph.

    A test holds it equal to what the migrations make.
    """
    statements: list[str] = [*dialect.functions]
    if dialect is POSTGRESQL:
        statements += [domain.statement for domain in DOMAINS]
    for table in metadata.sorted_tables:
        made = feed_to_number if table is feed and dialect is POSTGRESQL else table
        statements.append(str(CreateTable(made).compile(dialect=dialect.compiled)))
        indexes = sorted(made.indexes, key=str)
        statements += [str(CreateIndex(index).compile(dialect=dialect.compiled)) for index in indexes]
    for trigger in triggers(dialect):
        statements += dialect.create_trigger(trigger)
    statements += _FIRST_ROWS[dialect]
    return "\n\n".join(_tidy(statement) for statement in statements)


def write_first_migration() -> None:
    """Write the first migration's scripts anew. Only until a release has shipped them."""
    for name, dialect in DIALECTS.items():
        script = _SCRIPTS / "versions" / f"v0001_the_shop.{name}.sql"
        script.write_text(schema_script(dialect) + "\n", encoding="utf-8")


def _tidy(statement: str) -> str:
    # Where the other database has a rule, this one has a blank.
    lines = (re.sub(r" +(,?) *$", r"\1", line).replace("\t", "  ") for line in statement.strip().splitlines())
    return "\n".join(line for line in lines if line)


# --- Connections ------------------------------------------------------------------------------------------------------


def _connect(place: Place) -> Any:
    """A connection of the driver's own; in a transaction only once SQLAlchemy has begun it, or the driver must."""
    if isinstance(place, Path):
        create_private(place)
        return connect(place)
    from .connections.postgresql import connect as connect_to_server

    connection = connect_to_server(place, name="migration")
    connection.autocommit = False
    return connection


@contextmanager
def _config(place: Place) -> Iterator[Config]:
    from alembic.config import Config

    with _engine(place).begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        yield config


def _engine(place: Place) -> Engine:
    driver = "sqlite://" if isinstance(place, Path) else "postgresql+psycopg://"
    engine = create_engine(driver, creator=lambda: _connect(place), poolclass=NullPool)
    # SQLite's driver begins none for DDL; and two nodes that start together must migrate one after the other.
    begins = "BEGIN IMMEDIATE" if isinstance(place, Path) else f"SELECT pg_advisory_xact_lock({_LOCK})"

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(begins)

    return engine
