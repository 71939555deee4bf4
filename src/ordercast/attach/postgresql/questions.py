"""Asks PostgreSQL whether somebody may be in a room: read-only, and not for long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import errors

from ordercast.attach.questions import QUESTION_S_MAX, IdleConnections, QuestionRefused
from ordercast.attach.room_rules import is_yes, parameters, question, with_parameters
from ordercast.db.postgresql.connection import connect

# The shop's tables are named as its own programs name them, not by the path of ours.
_OPTIONS: Final = (
    f"-c search_path=public -c default_transaction_read_only=on -c statement_timeout={QUESTION_S_MAX * 1000:.0f}"
)


class PostgresqlQuestions:
    """See ``questions.Questions``. A connection is one thread's at a time; at most `CONNECTIONS_MAX` are open."""

    errors: tuple[type[Exception], ...] = (psycopg.Error, OSError)

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle = IdleConnections[psycopg.Connection]()

    def __repr__(self) -> str:
        return f"<PostgresqlQuestions idle={len(self._idle)}>"

    def ask(self, sql: str, values: Mapping[str, Any]) -> bool:
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        try:
            return is_yes(self._first(with_parameters(question(sql)), given))
        except errors.DataError as error:
            raise QuestionRefused(str(error)) from None

    def fault(self, sql: str) -> str | None:
        try:
            self._first(f"EXPLAIN {with_parameters(question(sql))}", dict.fromkeys(parameters(sql)))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            return f"PostgreSQL cannot read this: {(error.diag.message_primary or str(error)).strip()}"
        return None

    def _first(self, query: str, values: Mapping[str, Any]) -> Any:
        """The first row; asked once more where an idle connection had ended meanwhile."""
        if (connection := self._idle.take()) is not None:
            try:
                return self._run(connection, query, values)
            except psycopg.OperationalError:
                if not connection.closed:
                    raise
        return self._run(connect(self._url, name="rights", options=_OPTIONS), query, values)

    def _run(self, connection: psycopg.Connection, query: str, values: Mapping[str, Any]) -> Any:
        try:
            return connection.execute(query.encode(), values).fetchone()
        finally:
            if not connection.closed:
                self._idle.keep(connection)

    def close(self) -> None:
        self._idle.close()
