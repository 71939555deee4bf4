"""PostgreSQL connections, by psycopg 3."""

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

# Detects a vanished server sooner than TCP's quarter of an hour.
CONNECT_S_MAX: Final = 5
UNANSWERED_MS_MAX: Final = 10_000
# Ends the locks of a node that was stopped or cut off within a transaction. Our transactions wait for nothing else.
IDLE_IN_TRANSACTION_MS_MAX: Final = 3_000
# Lock wait of the writer before it sets units aside, enough for another node's commit. Readers wait as long for
# locked tables. 50 ms was visible in the p99 at a hundred orders a second.
SET_ASIDE_MS: Final = 20
# Lock wait of a change in all: long enough for a node that was cut off, not for a person at `psql`.
LOCKED_MS_MAX: Final = 4_000
# All our statements stay prepared.
PREPARED_MAX: Final = 1_000
_ALIVE: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_S_MAX,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": UNANSWERED_MS_MAX,
}
# Session settings: UTC; the writer's name in history; keepalives that detect a vanished node as soon as we detect a
# server.
_SESSION: Final = (
    "-c timezone=UTC -c client_encoding=UTF8 -c default_transaction_isolation=read\\ committed"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    f" -c tcp_user_timeout={UNANSWERED_MS_MAX} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS_MAX}"
)
# Without it a confirmed commit may be lost in a crash. Stronger settings are left.
_DURABLE: Final = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
# For followers of the feed. Their plans are made once, perhaps when it is empty or pruned; a scan takes seconds
# then.
BY_INDEX: Final = " ".join(f"-c enable_{way}=off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"))
# As in: while updating tuple (0,7) in relation "products"
_HELD_ROW: Final = re.compile(r'tuple .*in relation "(\w+)"')


# Errors of a schema or role that does not fit.
_NOT_OURS: Final = (
    errors.InsufficientPrivilege,
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedObject,
    errors.InvalidSchemaName,
    errors.InvalidColumnReference,  # ON CONFLICT without its unique index
    errors.DatatypeMismatch,
    errors.FeatureNotSupported,  # a prepared statement of an altered table
)


class _FlagDumper(Dumper):
    """Flags are integers in both databases; PostgreSQL does not cast booleans."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


def connection_parameters(url: str, *, name: str, options: str = "") -> dict[str, Any]:
    """Connection parameters for psycopg; operators see `name`.

    The URL's options win, except required ones. Raises psycopg.OperationalError.
    """
    try:
        given: dict[str, Any] = parts_of_postgresql_url(url)
    except ValueError as error:
        raise psycopg.OperationalError(f"it {error}") from None
    wanted = {**_ALIVE, **given, "application_name": f"ordercast {name}"}
    wanted["options"] = " ".join(filter(None, (given.get("options"), _SESSION, options)))
    if "," in f"{given.get('host')}{given.get('hostaddr')}":
        wanted.setdefault("target_session_attrs", "read-write")  # others are standbys
    return wanted


def connect(url: str, *, name: str, options: str = "") -> psycopg.Connection:
    """Connect with explicit transactions, and JSON as text. Raises psycopg.Error."""
    connection = psycopg.connect(autocommit=True, **connection_parameters(url, name=name, options=options))
    connection.execute(_DURABLE)
    connection.prepared_max = PREPARED_MAX
    connection.adapters.register_dumper(bool, _FlagDumper)
    for type_ in ("json", "jsonb"):
        connection.adapters.register_loader(type_, TextLoader)
    return connection


def interrupt(connection: psycopg.Connection | psycopg.AsyncConnection[Any]) -> None:
    """Close the socket: a waiter, on any thread, gets a connection error."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class _PostgresqlConnection:
    """Adapts psycopg's connection to `Connection`."""

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
    # psycopg's OperationalError does not cover a connection closed by us.
    single_writer = False
    operational_errors = (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError, *_NOT_OURS)

    def __init__(self, url: str, recognise: Callable[[psycopg.Connection], str] | None = None) -> None:
        """`recognise` is called with each new writing connection, before it is used: which database is it."""
        super().__init__()
        self._url = url
        self._recognise = recognise
        self._age = 0
        """Incremented when a server became a standby or another. Older connections are lost."""
        self._incarnation: str | None = None
        self.missing: Sequence[str] = ()
        """Missing or disabled triggers: nothing is committed without them."""

    def __repr__(self) -> str:
        return "<PostgresqlConnector>"  # the URL may contain a password

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
        """Record which database answers; return whether it changed, so that older connections are lost."""
        former, self._incarnation = self._incarnation, incarnation
        is_other = former not in {None, incarnation}
        self._age += is_other
        return is_other

    def commit(self, connection: Connection) -> None:
        if self.missing:
            raise psycopg.OperationalError(f"the trigger {self.missing[0]} is missing: nobody would hear of it")
        cursor = cast(_PostgresqlConnection, connection).psycopg.execute("COMMIT")
        # COMMIT of a failed transaction is a ROLLBACK, without an error.
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
        # For row and key locks the server names the tuple.
        return isinstance(error, psycopg.Error) and "tuple" not in (error.diag.context or "")

    def what_is_held(self, error: Exception) -> str:
        context = (error.diag.context or "") if isinstance(error, psycopg.Error) else ""
        found = _HELD_ROW.search(context)
        return f"a row of {found[1]} that it needs" if found is not None else "a row or a table that it needs"

    def is_conflict(self, error: Exception) -> bool:
        if isinstance(error, errors.ReadOnlySqlTransaction):
            # Read-only: nothing is written by any open connection.
            self._age += 1
            return True
        if isinstance(error, errors.FeatureNotSupported):
            # "cached plan must not change result type": reconnect.
            self._age += 1
            return True
        if isinstance(error, errors.UniqueViolation):
            # Another program used the sequence's number: retry with the next.
            return error.diag.constraint_name == "orders_pkey"
        return isinstance(error, errors.DeadlockDetected | errors.SerializationFailure)


def _begin(connection: Connection, statement: str, wait_ms: int | None) -> None:
    if wait_ms is None:
        connection.execute(statement)
        return
    # Two statements in one message cannot be prepared.
    both = f"{statement}; SET LOCAL lock_timeout = {wait_ms:d}".encode()
    cast(_PostgresqlConnection, connection).psycopg.execute(both, prepare=False)
