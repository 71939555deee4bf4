"""Connects to a shop's MySQL or MariaDB by PyMySQL, which is asked for with the extra ``ordercast[mysql]``."""

from __future__ import annotations

import re
import ssl
from typing import Any, Final, TypeAlias

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions

from ordercast.config import MysqlUrl

from .kept_rows import moment

Connection: TypeAlias = "pymysql.connections.Connection"
CONNECT_S_MAX: Final = 5.0
# A server that is stopped is not waited for longer; nothing that is asked here takes as long.
ANSWER_S_MAX: Final = 10.0
# Behind those who hold a lock on the outbox or a table for longer, others queue: better to try again.
LOCK_S_MAX: Final = 5
# Of one SQL expression of a mapping: a longer one would keep all events behind it.
STATEMENT_S_MAX: Final = 5.0
# Triggers keep the mode that they are made in: what does not fit is an error, which is caught, and not cut off.
_SESSION: Final = (
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    f"SET SESSION lock_wait_timeout = {LOCK_S_MAX}",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_S_MAX}",
)
_AS_TEXT: Final = (FIELD_TYPE.DATE, FIELD_TYPE.TIME)
_DECODERS: Final = {
    **{kind: decoder for kind, decoder in conversions.items() if kind not in _AS_TEXT},
    FIELD_TYPE.DATETIME: moment,
    FIELD_TYPE.TIMESTAMP: moment,
}
# What a connection says when it is none any more.
_LOST: Final = frozenset({0, 1053, 1927, 2003, 2006, 2013, 2014, 2055, 4031})


def connect(
    url: MysqlUrl,
    *,
    statement_s: float = STATEMENT_S_MAX,
    answer_s: float = ANSWER_S_MAX,
    is_read_only: bool = False,
) -> Connection:
    """No statement takes longer than `statement_s`; 0 is no limit. Raises pymysql.err.Error, OSError."""
    connection: Connection = pymysql.connect(
        host=url.host,
        port=url.port,
        unix_socket=url.socket or None,
        user=url.user,
        password=url.password.encode(),  # which PyMySQL takes for Latin-1
        database=url.database,
        charset="utf8mb4",
        autocommit=True,
        program_name="ordercast",
        conv=_DECODERS,
        connect_timeout=CONNECT_S_MAX,
        read_timeout=answer_s,
        write_timeout=answer_s,
        **_tls(url),
    )
    try:
        is_mariadb = "mariadb" in str(connection.get_server_info()).lower()
        limit = (
            f"SET SESSION max_statement_time = {statement_s}"
            if is_mariadb
            else f"SET SESSION max_execution_time = {statement_s * 1000:.0f}"
        )
        read_only = ["SET SESSION TRANSACTION READ ONLY"] if is_read_only else []
        for statement in (*_SESSION, limit, *read_only):
            ask(connection, statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _tls(url: MysqlUrl) -> dict[str, Any]:
    if url.socket or url.ssl_mode == "DISABLED":
        return {"ssl_disabled": True}
    if url.ssl_mode == "PREFERRED":
        return {}  # PyMySQL's own habit
    context = ssl.create_default_context(cafile=url.ssl_ca or None)
    # The certificates that servers make for themselves are not strict ones.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = url.ssl_mode == "VERIFY_IDENTITY"
    if url.ssl_mode == "REQUIRED":
        context.verify_mode = ssl.CERT_NONE
    if url.ssl_cert:
        context.load_cert_chain(url.ssl_cert, url.ssl_key or None)
    return {"ssl": context}


def version_fault(version: str) -> str | None:
    """Why a server that calls itself so is too old, or None: rows are taken from the outbox by JSON_TABLE."""
    is_mariadb = "mariadb" in version.lower()
    # MariaDB has said 5.5.5 before its own version, for replicas of MySQL.
    found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)", version)
    oldest, name = ((10, 6, 0), "MariaDB 10.6") if is_mariadb else ((8, 0, 4), "MySQL 8.0.4")
    if found is None or tuple(map(int, found.groups())) >= oldest:
        return None
    return f"the server is {version}; {name} or newer is needed"


def ask(connection: Connection, query: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Run one statement. Raises pymysql.err.Error, OSError."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def code_of(error: Exception) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def is_lost(error: Exception) -> bool:
    """Whether the connection is no more, rather than a statement wrong."""
    return isinstance(error, OSError | pymysql.err.InterfaceError) or code_of(error) in _LOST


def words_of(error: Exception) -> str:
    """What the server said."""
    return str(error.args[1]) if len(error.args) > 1 else str(error) or type(error).__name__


_MAY_NOT: Final = frozenset({1044, 1045, 1142, 1227, 1370, 1410, 1419})
_BINARY_LOG: Final = 1419
_LOCK_WAIT: Final = 1205


def sentence_of(error: Exception) -> str | None:
    """What a person can mend, for whoever attaches; None for any other error."""
    if not isinstance(error, pymysql.err.Error):
        return None
    code = code_of(error)
    if code == _BINARY_LOG:
        return (
            "with a binary log, triggers may be made by an account with SUPER alone, or by any once the server has"
            " log_bin_trust_function_creators = 1"
        )
    if code in _MAY_NOT:
        return f"its account may not do this: {words_of(error)}"
    if code == _LOCK_WAIT:
        return "another program is at work in a table for too long; what is not done yet is done by trying again"
    return words_of(error)
