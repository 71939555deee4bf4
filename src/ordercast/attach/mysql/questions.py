"""Asks MySQL or MariaDB whether somebody may be in a room: read-only, and not for long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pymysql

from ordercast.attach.questions import QUESTION_S_MAX, IdleConnections, QuestionRefused
from ordercast.attach.room_rules import is_yes, parameters, question, with_parameters, with_strict_names
from ordercast.config import MysqlUrl

from .connecting import Connection, connect, is_lost, words_of

# A text that was cut down to a number to be compared: 'usr_1' = 0 is true there, and would let anybody in.
_CUT_DOWN: Final = 1292
_UNREADABLE: Final = (pymysql.err.ProgrammingError, pymysql.err.OperationalError, pymysql.err.NotSupportedError)


class MysqlQuestions:
    """See ``questions.Questions``. A connection is one thread's at a time; at most `CONNECTIONS_MAX` are open."""

    errors: tuple[type[Exception], ...] = (pymysql.err.MySQLError, OSError)

    def __init__(self, url: MysqlUrl) -> None:
        self._url = url
        self._idle = IdleConnections[Connection]()

    def __repr__(self) -> str:
        return f"<MysqlQuestions {self._url.shown} idle={len(self._idle)}>"

    def ask(self, sql: str, values: Mapping[str, Any]) -> bool:
        given = {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        try:
            return is_yes(self._first(with_parameters(question(with_strict_names(sql))), given))
        except pymysql.err.DataError as error:
            raise QuestionRefused(words_of(error)) from None

    def fault(self, sql: str) -> str | None:
        try:
            self._first(f"EXPLAIN {with_parameters(question(with_strict_names(sql)))}", dict.fromkeys(parameters(sql)))
        except _UNREADABLE as error:
            if is_lost(error):
                raise
            return f"the server cannot read this: {words_of(error)}"
        return None

    def _first(self, query: str, values: Mapping[str, Any]) -> Any:
        """The first row; asked once more where an idle connection had ended meanwhile."""
        if (idle := self._idle.take()) is not None:
            try:
                return self._run(idle, query, values)
            except pymysql.err.Error as error:
                if not is_lost(error):
                    raise
        return self._run(connect(self._url, statement_s=QUESTION_S_MAX, is_read_only=True), query, values)

    def _run(self, connection: Connection, query: str, values: Mapping[str, Any]) -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                row, has_warnings = cursor.fetchone(), cursor.warning_count
                if has_warnings:
                    cursor.execute("SHOW WARNINGS")
                    if refused := [words for _, code, words in cursor.fetchall() if code == _CUT_DOWN]:
                        raise QuestionRefused(refused[0])
        except Exception as error:
            if is_lost(error):
                connection.close()
            else:
                self._idle.keep(connection)
            raise
        self._idle.keep(connection)
        return row

    def close(self) -> None:
        self._idle.close()
