"""The ports to who answers for a rule: a database that is asked, or a webhook."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

from .mapping import Fault
from .room_rules import Rule

# A question holds one of few connections; a shop's own page would not wait longer.
QUESTION_S_MAX: Final = 1.0
# Questions at once, of a node: each is a connection to the shop's database.
CONNECTIONS_MAX: Final = 4
# In which rights end that were taken away, as we promise.
RIGHTS_END_S: Final = 1.0
UNASKED: Final = "this database cannot be asked; use `authorize`"


class QuestionRefused(Exception):
    """A value that the question cannot take, such as a room's name that is no UUID: the answer is no."""


class Closing(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closing)


class IdleConnections(Generic[C]):
    """Connections that no thread uses just now: at most as many as questions are asked at once."""

    def __init__(self) -> None:
        self._queue: queue.LifoQueue[C] = queue.LifoQueue(CONNECTIONS_MAX)

    def __len__(self) -> int:
        return self._queue.qsize()

    def take(self) -> C | None:
        """The one that was used last; None where a new one is to be made."""
        with suppress(queue.Empty):
            return self._queue.get_nowait()
        return None

    def keep(self, connection: C) -> None:
        try:
            self._queue.put_nowait(connection)
        except queue.Full:
            connection.close()

    def close(self) -> None:
        while (connection := self.take()) is not None:
            connection.close()


class Questions(Protocol):
    """Asks a shop's database, within transactions that can write nothing. It blocks, and is called on threads."""

    errors: tuple[type[Exception], ...]
    """What it raises where there is no answer."""

    def ask(self, sql: str, values: Mapping[str, Any]) -> bool:
        """Raises QuestionRefused, and `errors`."""
        ...

    def fault(self, sql: str) -> str | None:
        """Why the database cannot read a question, or None. Raises `errors`."""
        ...

    def close(self) -> None: ...


class Authorizer(Protocol):
    """Asks a webhook."""

    async def ask(self, url: str, body: bytes) -> bool:
        """Raises RuleUnanswered."""
        ...

    async def close(self) -> None: ...


def late_rules(rules: Sequence[Rule]) -> list[Fault]:
    """Rules that go on saying yes for a while when a right was taken away, for no table tells of it."""
    return [
        Fault(
            rule.line,
            f"{rule.name}: without `tables` a right that is taken away ends when it is asked again, every"
            f" {rule.every_s:g} s; name the tables that it depends on, or revoke the token",
        )
        for rule in rules
        if not rule.tables and rule.every_s > RIGHTS_END_S
    ]


def faults_of(questions: Questions | None, rules: Sequence[Rule]) -> list[Fault]:
    """Which rules the database cannot answer, and why; None is one that cannot be asked at all."""
    if questions is None:
        return [Fault(rule.line_of_sql, f"{rule.name}: {UNASKED}") for rule in rules if rule.sql]
    found = []
    for rule in rules:
        if not rule.sql:
            continue
        try:
            fault = questions.fault(rule.sql)
        except questions.errors as error:
            fault = f"the question cannot be asked: {str(error).strip() or type(error).__name__}"
        if fault is not None:
            found.append(Fault(rule.line_of_sql, f"{rule.name}: {fault}"))
    return found
