"""PostgreSQL, through psycopg 3."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

import psycopg
from psycopg import errors
from psycopg.adapt import Dumper
from psycopg.pq import TransactionStatus
from psycopg.types.string import TextLoader

from ordercast.config import parts_of_postgresql_url
from ordercast.db.connector import Connection, Connector, Cursor
from ordercast.db.dialects import POSTGRESQL

# A server that has vanished without a word is noticed after this, and not after TCP's own quarter of an hour.
CONNECT_S_MAX: Final = 5
UNANSWERED_MS_MAX: Final = 10_000
# A node that was stopped or cut off amid a change keeps what it has locked from all others, for no longer than this.
# Our transactions wait for nothing outside the database.
IDLE_IN_TRANSACTION_MS_MAX: Final = 3_000
# How long the writer waits for a row that somebody else has changed and not committed, before it sets aside who needs
# that row and goes on with the others: for the commit of another node. All wait meanwhile, once; then it is known.
# Readers wait for a table that is locked as long. At 50 ms it was to be seen in the p99 of a hundred orders a second.
SET_ASIDE_MS: Final = 20
# How long a change waits for such a row in all: for a node that was cut off, and not for a person at `psql` who may
# have gone to lunch.
LOCKED_MS_MAX: Final = 4_000
# Each statement of ours is one text: all of them stay prepared.
PREPARED_MAX: Final = 1_000
_ALIVE: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_S_MAX,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": UNANSWERED_MS_MAX,
}
# What the server does with a connection of ours: moments are written in UTC; the writer is known by its name in the
# history of what it did not sign. Of a node that has vanished it hears as soon as we would of it, not after two hours.
_SESSION: Final = (
    "-c timezone=UTC -c client_encoding=UTF8 -c default_transaction_isolation=read\\ committed"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    f" -c tcp_user_timeout={UNANSWERED_MS_MAX} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS_MAX}"
)
# Without it a commit that was confirmed goes with the server. What waits for more than its own disk is left as it is.
_DURABLE: Final = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
# Of those who follow the feed. Their statements are planned once, when it may be empty, and again while most of what an
# index leads to is gone: a plan that looks through the table, or through all of an index, takes seconds then.
BY_INDEX: Final = " ".join(f"-c enable_{way}=off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"))
# As in: while updating tuple (0,7) in relation "products"
_HELD_ROW: Final = re.compile(r'tuple .*in relation "(\w+)"')


# What a statement of ours meets where the schema is not the one that it was written for, or the role may not use it.
_NOT_OURS: Final = (
    errors.InsufficientPrivilege,
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedObject,
    errors.InvalidSchemaName,
    errors.InvalidColumnReference,  # ON CONFLICT, and no such unique index
    errors.DatatypeMismatch,
    errors.FeatureNotSupported,  # a prepared statement whose table was changed under it
)


class _FlagDumper(Dumper):
    """Flags are numbers in both databases, and PostgreSQL makes none of a boolean by itself."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


def connection_parameters(url: str, *, name: str, options: str = "") -> dict[str, Any]:
    """What psycopg is to be called with. Operators see `name`.

    What the URL says holds, but for what the shop cannot do without. Raises psycopg.OperationalError.
    """
    try:
        given: dict[str, Any] = parts_of_postgresql_url(url)
    except ValueError as error:
        raise psycopg.OperationalError(f"it {error}") from None
    wanted = {**_ALIVE, **given, "application_name": f"ordercast {name}"}
    wanted["options"] = " ".join(filter(None, (given.get("options"), _SESSION, options)))
    if "," in f"{given.get('host')}{given.get('hostaddr')}":
        wanted.setdefault("target_session_attrs", "read-write")  # the others are standbys
    return wanted


def connect(url: str, *, name: str, options: str = "") -> psycopg.Connection:
    """Connect so that only a statement begins a transaction, and JSON comes as its text. Raises psycopg.Error."""
    connection = psycopg.connect(autocommit=True, **connection_parameters(url, name=name, options=options))
    connection.execute(_DURABLE)
    connection.prepared_max = PREPARED_MAX
    connection.adapters.register_dumper(bool, _FlagDumper)
    for type_ in ("json", "jsonb"):
        connection.adapters.register_loader(type_, TextLoader)
    return connection


def interrupt(connection: psycopg.Connection | psycopg.AsyncConnection[Any]) -> None:
    """Hang up: whoever waits on it, on another thread or in the loop, is told that the server has gone."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class _PostgresqlConnection:
    """psycopg's connection in the shape that the units of work know."""

    __slots__ = ("age", "execute", "incarnation", "psycopg")

    IntegrityError = psycopg.IntegrityError
    DataError = psycopg.DataError

    def __init__(self, connection: psycopg.Connection, age: int, incarnation: str | None) -> None:
        self.psycopg = connection
        self.age = age
        self.incarnation = incarnation
        self.execute = connection.execute

    def executemany(self, statement: str, rows: Iterable[Mapping[str, Any]], /) -> Cursor:
        cursor = self.psycopg.cursor()
        cursor.executemany(statement, rows)
        return cursor

    def close(self) -> None:
        self.psycopg.close()


class PostgresqlConnector(Connector):
    dialect = POSTGRESQL
    begin_writing = "BEGIN"
    begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    # A connection that was closed under us is no OperationalError in psycopg's words where it was closed by us.
    single_writer = False
    operational_errors = (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError, *_NOT_OURS)

    def __init__(self, url: str, recognise: Callable[[psycopg.Connection], str] | None = None) -> None:
        """`recognise` is asked of each connection that is to write, before anything is written: which database it leads
        to.
        """
        super().__init__()
        self._url = url
        self._recognise = recognise
        self._age = 0
        """How often a server was found to be a standby, or another. Connections of an earlier age lead to one."""
        self._incarnation: str | None = None
        self.missing: Sequence[str] = ()
        """Triggers that are not at work: nothing is committed that would go unheard."""

    def __repr__(self) -> str:
        return "<PostgresqlConnector>"  # the URL may hold a password

    def open(self, *, read_only: bool = False) -> Connection:
        name = "reader" if read_only else "writer"
        connection = connect(self._url, name=name, options=f"-c lock_timeout={SET_ASIDE_MS}")
        incarnation = None
        if not read_only and self._recognise is not None:
            try:
                incarnation = self._recognise(connection)
            except BaseException:
                connection.close()
                raise
        return cast(Connection, _PostgresqlConnection(connection, self._age, incarnation))

    def met(self, incarnation: str) -> bool:
        """Note which database answers now; whether it is another than before, to which all connections are lost."""
        former, self._incarnation = self._incarnation, incarnation
        is_other = former not in {None, incarnation}
        self._age += is_other
        return is_other

    def commit(self, connection: Connection) -> None:
        if self.missing:
            raise psycopg.OperationalError(f"the trigger {self.missing[0]} is missing: nobody would hear of it")
        cursor = cast(_PostgresqlConnection, connection).psycopg.execute("COMMIT")
        # In a transaction that an error has ended, COMMIT is a ROLLBACK, and no error.
        if cursor.statusmessage != "COMMIT":
            raise psycopg.InternalError("an error had ended the transaction before it was committed")

    def in_transaction(self, connection: Connection) -> bool:
        status = cast(_PostgresqlConnection, connection).psycopg.info.transaction_status
        return status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}

    def is_lost(self, connection: Connection) -> bool:
        ours = cast(_PostgresqlConnection, connection)
        return ours.psycopg.broken or ours.age < self._age or ours.incarnation not in {None, self._incarnation}

    def interrupt(self, connection: Connection) -> None:
        interrupt(cast(_PostgresqlConnection, connection).psycopg)

    def begin(self, connection: Connection, wait_ms: int | None = None) -> None:
        _begin(connection, self.begin_writing, wait_ms)

    def begin_read(self, connection: Connection, wait_ms: int | None = None) -> None:
        _begin(connection, self.begin_reading, wait_ms)

    def wait_for_rows(self, connection: Connection, milliseconds: int) -> None:
        connection.execute(f"SET LOCAL lock_timeout = {milliseconds:d}")

    @property
    def locked_ms_max(self) -> int:
        return LOCKED_MS_MAX

    def is_lock_timeout(self, error: Exception) -> bool:
        return isinstance(error, errors.LockNotAvailable)

    def is_of_a_table(self, error: Exception) -> bool:
        # For a row, or a key of an index, the server says which it waited for.
        return isinstance(error, psycopg.Error) and "tuple" not in (error.diag.context or "")

    def what_is_held(self, error: Exception) -> str:
        context = (error.diag.context or "") if isinstance(error, psycopg.Error) else ""
        found = _HELD_ROW.search(context)
        return f"a row of {found[1]} that it needs" if found is not None else "a row or a table that it needs"

    def is_conflict(self, error: Exception) -> bool:
        if isinstance(error, errors.ReadOnlySqlTransaction):
            # Nothing was written, and nothing will be through any connection that is open.
            self._age += 1
            return True
        if isinstance(error, errors.FeatureNotSupported):
            # "cached plan must not change result type": a new connection plans anew.
            self._age += 1
            return True
        if isinstance(error, errors.UniqueViolation):
            # Another program has taken by hand the number that the sequence gave: the next run is given the next.
            return error.diag.constraint_name == "orders_pkey"
        return isinstance(error, errors.DeadlockDetected | errors.SerializationFailure)


def _begin(connection: Connection, statement: str, wait_ms: int | None) -> None:
    if wait_ms is None:
        connection.execute(statement)
        return
    # Two statements in one message; such cannot be prepared.
    both = f"{statement}; SET LOCAL lock_timeout = {wait_ms:d}".encode()
    cast(_PostgresqlConnection, connection).psycopg.execute(both, prepare=False)
