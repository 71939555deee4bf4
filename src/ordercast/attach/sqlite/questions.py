"""Asks a shop's SQLite file whether somebody may be in a room: read-only, and not for long."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ordercast.attach.questions import QUESTION_S_MAX, IdleConnections
from ordercast.attach.room_rules import is_yes, parameters, question, with_strict_names

from .attaching import open_file

# Steps of its machine between looks at the clock: a fraction of a millisecond.
_STEPS: Final = 10_000


class _Opened(NamedTuple):
    inode: int
    connection: sqlite3.Connection

    def close(self) -> None:
        self.connection.close()


class SqliteQuestions:
    """See ``questions.Questions``. A connection is one thread's at a time; at most `CONNECTIONS_MAX` are open."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle = IdleConnections[_Opened]()

    def __repr__(self) -> str:
        return f"<SqliteQuestions {self._path.name} idle={len(self._idle)}>"

    def ask(self, sql: str, values: Mapping[str, Any]) -> bool:
        given = {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        return is_yes(self._first(question(with_strict_names(sql)), given))

    def fault(self, sql: str) -> str | None:
        try:
            self._first(f"EXPLAIN {question(with_strict_names(sql))}", dict.fromkeys(parameters(sql)))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            return f"SQLite cannot read this: {error}"
        return None

    def _first(self, query: str, values: Mapping[str, Any]) -> Any:
        opened = self._taken(self._path.stat().st_ino)
        connection = opened.connection
        give_up_at = time.monotonic() + QUESTION_S_MAX
        connection.set_progress_handler(lambda: time.monotonic() > give_up_at, _STEPS)
        try:
            return connection.execute(query, values).fetchone()
        finally:
            self._idle.keep(opened)

    def _taken(self, inode: int) -> _Opened:
        """An idle connection, or a new one; another where the file was replaced, as by a restore."""
        if (opened := self._idle.take()) is not None:
            if opened.inode == inode:
                return opened
            opened.close()
        opened = _Opened(inode, open_file(self._path))
        opened.connection.execute("PRAGMA query_only = ON")
        return opened

    def close(self) -> None:
        self._idle.close()
