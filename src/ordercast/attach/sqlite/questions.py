"""Asks a shop's SQLite file whether somebody may be in a room: read-only, and not for long."""

from __future__ import annotations

import json
import queue
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ordercast.attach.questions import CONNECTIONS_MAX, QUESTION_S_MAX
from ordercast.attach.room_rules import is_yes, parameters, question, with_strict_names

from .attaching import open_file

# Steps of its machine between looks at the clock: a fraction of a millisecond.
_STEPS: Final = 10_000


class SqliteQuestions:
    """See ``questions.Questions``. A connection is one thread's at a time; at most `CONNECTIONS_MAX` are open."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[tuple[int, sqlite3.Connection]] = queue.LifoQueue(CONNECTIONS_MAX)

    def __repr__(self) -> str:
        return f"<SqliteQuestions {self._path.name} idle={self._idle.qsize()}>"

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
        inode = self._path.stat().st_ino
        connection = self._taken(inode)
        give_up_at = time.monotonic() + QUESTION_S_MAX
        connection.set_progress_handler(lambda: time.monotonic() > give_up_at, _STEPS)
        try:
            return connection.execute(query, values).fetchone()
        finally:
            try:
                self._idle.put_nowait((inode, connection))
            except queue.Full:
                connection.close()

    def _taken(self, inode: int) -> sqlite3.Connection:
        """An idle connection, or a new one; another where the file was replaced, as by a restore."""
        with suppress(queue.Empty):
            former, connection = self._idle.get_nowait()
            if former == inode:
                return connection
            connection.close()
        connection = open_file(self._path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def close(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait()[1].close()
