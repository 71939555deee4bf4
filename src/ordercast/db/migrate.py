"""Bringing a database to a version of the schema.

An empty one is made as the present tables and triggers say, and stamped with the newest revision; Alembic takes one of
an older revision onwards. Each is loaded only where there is something to do: that takes a fifth of a whole start.
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
"""Where a database is: the file of SQLite, or the URL of PostgreSQL."""

_SCRIPTS: Final = Path(__file__).parent / "migrations"

NEWEST: Final = "0001"
"""The revision that this code works with; a test holds it to be the newest migration's."""
# Any number will do, but each node must take the same, and nobody else.
_LOCK: Final = 0x6F72_6465_7263_6173

# As Alembic makes it, and writes it.
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


class NotOurs(Exception):
    """The tables are another program's, or left of a migration that was not this one's."""

    def __init__(self, place: DatabaseLocation, tables: Sequence[str]) -> None:
        way = (
            "name another file in ORDERCAST_DATABASE_URL"
            if isinstance(place, Path)
            else "keep ours beside them in a schema of their own: ORDERCAST_DATABASE_SCHEMA=ordercast"
        )
        super().__init__(f"it holds tables of another program ({', '.join(tables)}); {way}")


# --- Up and down ------------------------------------------------------------------------------------------------------


def upgrade(place: DatabaseLocation) -> None:
    """Bring the database at `place` up to the newest revision; a file is made if there is none. All of it, or nothing.

    Raises Unusable for a database of a revision that is not known here, or with tables of another program, and what
    the driver raises.
    """
    found = revision_of(place)
    if found is None:
        _create(place)
    elif found != NEWEST:
        _must_be_ours(place)
        _migrate(place)


def _create(place: DatabaseLocation) -> None:
    """Make the newest schema in an empty database, unless somebody else has done so meanwhile."""
    from .dialects import POSTGRESQL, SQLITE
    from .schema_script import schema_statements

    statements = schema_statements(SQLITE if isinstance(place, Path) else POSTGRESQL)
    with closing(_connect(place)) as connection:
        connection.execute(_begin(place))
        if _revision_by(connection, place) is not None:
            return
        if foreign := _foreign_tables(connection, place):
            raise Unusable(NotOurs(place, foreign))
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
    """Take the database back; ``base`` leaves no table, and no data."""
    from alembic import command

    with _config(place) as config:
        command.downgrade(config, revision)


def must_be_newest(place: DatabaseLocation) -> None:
    """Raise Unusable, with the command to run, for a database that is not of the revision that this code works with."""
    revision = revision_of(place)
    if revision != NEWEST:
        _must_be_ours(place)
        raise Unusable(NotMigrated(revision))


def _must_be_ours(place: DatabaseLocation) -> None:
    """Raise Unusable where another program has tables of our names, or stamps revisions of its own, as a shop that was
    written with Alembic does.
    """
    with closing(_connect(place)) as connection:
        foreign = _foreign_tables(connection, place)
        if _revision_by(connection, place) is not None:
            foreign = [] if _OF_EVERY_SHOP.issubset(foreign) else [*foreign, "alembic_version"]
        if foreign:
            raise Unusable(NotOurs(place, sorted(foreign)))


_OF_EVERY_SHOP: Final = frozenset({"feed", "meta"})


def _create_namespace(connection: Any, place: DatabaseLocation) -> None:
    """Make PostgreSQL's schema that the connection is to work in, where there is none of that name."""
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
    """Tables that have names of ours in a database that was never migrated."""
    from .nouns import TABLES

    statement = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    if isinstance(place, str):
        statement = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    names = {str(name).lower() for (name,) in connection.execute(statement).fetchall()}
    return sorted(names & {table.name for table in TABLES})


def revision_of(place: DatabaseLocation) -> str | None:
    """What the database says of itself; None before its first migration."""
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
    """A connection of the driver's own; SQLite's is in a transaction once `_begin` was run, psycopg's from its first
    statement on.
    """
    if isinstance(place, Path):
        create_private(place)
        return connect(place)
    from ordercast.db.postgresql.connection import connect as connect_to_server

    connection = connect_to_server(place, name="migration")
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
    """What a migration's transaction begins with: two nodes that start together must migrate one after the other, and
    SQLite's driver begins none for DDL.
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
