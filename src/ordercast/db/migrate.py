"""Migrates a database's schema.

An empty database is created at the newest schema and stamped; Alembic upgrades older ones. Both are imported only when
needed: that takes a fifth of a start.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ordercast.db.sqlite.connection import connect, create_private

from .errors import Unusable

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Engine

DatabaseLocation: TypeAlias = Path | str
"""The SQLite file's path, or the PostgreSQL URL."""

_SCRIPTS: Final = Path(__file__).parent / "migrations"

NEWEST: Final = "0001"
"""The revision of this code; a test compares it with the newest migration."""
# The advisory lock's number, the same on each node.
_LOCK: Final = 0x6F72_6465_7263_6173

# Alembic's own table.
_VERSION_TABLE: Final = """
CREATE TABLE IF NOT EXISTS alembic_version (
  version_num VARCHAR(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""
_STAMP: Final = f"INSERT INTO alembic_version (version_num) VALUES ('{NEWEST}')"


class NotMigrated(Exception):
    def __init__(self, revision: str | None) -> None:
        is_of = "has no schema yet" if revision is None else f"is of revision {revision}, not {NEWEST}"
        super().__init__(f"it {is_of}; run `ordercast migrate` first")


class ForeignTables(Exception):
    """The tables are another program's, or left by an aborted migration."""

    def __init__(self, place: DatabaseLocation, tables: Sequence[str]) -> None:
        way = (
            "name another file in ORDERCAST_DATABASE_URL"
            if isinstance(place, Path)
            else "keep ours beside them in a schema of their own: ORDERCAST_DATABASE_SCHEMA=ordercast"
        )
        super().__init__(f"it holds tables of another program ({', '.join(tables)}); {way}")


# --- Up and down ------------------------------------------------------------------------------------------------------


def upgrade(place: DatabaseLocation) -> None:
    """Upgrade the database at `place` to the newest revision; a missing file is created. Atomic.

    Raises Unusable for an unknown revision or foreign tables, and the driver's errors.
    """
    found = revision_of(place)
    if found is None:
        _create(place)
    elif found != NEWEST:
        _must_be_ours(place)
        _migrate(place)


def _create(place: DatabaseLocation) -> None:
    """Create the newest schema in an empty database, unless another process did."""
    from .dialects import POSTGRESQL, SQLITE
    from .schema_script import schema_statements

    statements = schema_statements(SQLITE if isinstance(place, Path) else POSTGRESQL)
    with closing(_connect(place)) as connection:
        connection.execute(_begin(place))
        if _revision_by(connection, place) is not None:
            return
        if foreign := _foreign_tables(connection, place):
            raise Unusable(ForeignTables(place, foreign))
        _create_namespace(connection, place)
        for statement in (*statements, _VERSION_TABLE, _STAMP):
            connection.execute(statement)
        connection.commit()


def _migrate(place: DatabaseLocation) -> None:
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _config(place) as config:
            command.upgrade(config, "head")
    except CommandError as error:
        raise Unusable(error) from error
    except SQLAlchemyError as error:
        raise Unusable(getattr(error, "orig", None) or error) from error


def downgrade(place: DatabaseLocation, revision: str) -> None:
    """Downgrade the database; ``base`` deletes all tables and data."""
    from alembic import command

    with _config(place) as config:
        command.downgrade(config, revision)


def must_be_newest(place: DatabaseLocation) -> None:
    """Raise Unusable, with the command to run, unless the database has this code's revision."""
    revision = revision_of(place)
    if revision != NEWEST:
        _must_be_ours(place)
        raise Unusable(NotMigrated(revision))


def _must_be_ours(place: DatabaseLocation) -> None:
    """Raise Unusable if another program has tables of our names, or its own Alembic revisions."""
    with closing(_connect(place)) as connection:
        foreign = _foreign_tables(connection, place)
        if _revision_by(connection, place) is not None:
            foreign = [] if _OF_EVERY_SHOP.issubset(foreign) else [*foreign, "alembic_version"]
        if foreign:
            raise Unusable(ForeignTables(place, sorted(foreign)))


_OF_EVERY_SHOP: Final = frozenset({"feed", "meta"})


def _create_namespace(connection: Any, place: DatabaseLocation) -> None:
    """Create PostgreSQL's schema of the search path, if it is missing."""
    if isinstance(place, Path):
        return
    ((current, path),) = connection.execute("SELECT current_schema(), current_setting('search_path')").fetchall()
    if current is None:
        first = path.split(",")[0].strip().strip('"')
        if _PLAIN_NAME.fullmatch(first) is None:
            raise Unusable(ValueError(f"no schema of its search_path ({path}) is there"))
        connection.execute(f'CREATE SCHEMA "{first}"')


_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")


def _foreign_tables(connection: Any, place: DatabaseLocation) -> list[str]:
    """Tables with our names in a database without our migrations."""
    from .nouns import TABLES

    statement = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    if isinstance(place, str):
        statement = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    names = {str(name).lower() for (name,) in connection.execute(statement).fetchall()}
    return sorted(names & {table.name for table in TABLES})


def revision_of(place: DatabaseLocation) -> str | None:
    """The database's revision; None before the first migration."""
    with closing(_connect(place)) as connection:
        return _revision_by(connection, place)


def _revision_by(connection: Any, place: DatabaseLocation) -> str | None:
    there = "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
    if isinstance(place, str):
        there = "SELECT to_regclass('alembic_version')"
    row = connection.execute(there).fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


# --- Connections ------------------------------------------------------------------------------------------------------


def _connect(place: DatabaseLocation) -> Any:
    """A driver's connection; SQLite's is in a transaction after `_begin`, psycopg's from its first statement."""
    if isinstance(place, Path):
        create_private(place)
        return connect(place)
    from ordercast.db.postgresql.connection import connect as connect_to_server

    connection = connect_to_server(place, name="migration")
    # Between two statements of its transaction a migration loads code, which takes seconds on a busy machine.
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    connection.autocommit = False
    return connection


@contextmanager
def _config(place: DatabaseLocation) -> Iterator[Config]:
    from alembic.config import Config

    with _engine(place).begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        yield config


def _begin(place: DatabaseLocation) -> str:
    """The first statement of a migration's transaction: serializes nodes that start together, and begins a transaction
    for DDL in SQLite.
    """
    return "BEGIN IMMEDIATE" if isinstance(place, Path) else f"SELECT pg_advisory_xact_lock({_LOCK})"


def _engine(place: DatabaseLocation) -> Engine:
    from sqlalchemy import Connection, NullPool, create_engine, event

    driver = "sqlite://" if isinstance(place, Path) else "postgresql+psycopg://"
    engine = create_engine(driver, creator=lambda: _connect(place), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(_begin(place))

    return engine
