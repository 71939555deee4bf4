"""Programs of a shop that count rows up while their database is killed, and what is told of that."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from tests.waiting import until

WRITERS: Final = 4
ROWS: Final = 8
KILLS: Final = 2
_BETWEEN_KILLS: Final = 40


class Connection(Protocol):
    """What both drivers have."""

    def commit(self) -> None: ...


class Writers:
    """They write transactions of several statements, and come back after a crash.

    `count_up` adds one to a row; `lost` are the errors of a server that is dead, or on its way up.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Any]],
        count_up: Callable[[Any, int], object],
        lost: type[Exception] | tuple[type[Exception], ...],
    ) -> None:
        self._confirmed = 0
        self._is_stopping = False
        self._connect = connect
        self._count_up = count_up
        self._lost = lost
        self._lock = threading.Lock()

    async def __aenter__(self) -> Writers:
        self._writing = asyncio.gather(*(asyncio.to_thread(self._write, number) for number in range(WRITERS)))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_stopping = True
        await self._writing

    async def go_on(self) -> None:
        """Wait until they have confirmed some more."""
        enough = self._confirmed + _BETWEEN_KILLS
        await until(lambda: self._confirmed >= enough)

    def _write(self, number: int) -> None:
        while not self._is_stopping:
            try:
                with self._connect() as connection:
                    while not self._is_stopping:
                        self._transact(connection, number)
            except self._lost:
                continue

    def _transact(self, connection: Connection, number: int) -> None:
        for row in sorted({number % ROWS, (number + 1) % ROWS}):  # shared with a neighbour
            self._count_up(connection, row)
        connection.commit()
        with self._lock:
            self._confirmed += 1


def told_once_in_order(told: Iterable[tuple[int, int]]) -> dict[int, int]:
    """How far each row was counted up, when rows and numbers come as in `told`: each number once, in its order."""
    counted: dict[int, int] = defaultdict(int)
    for row, number in told:
        assert number == counted[row] + 1, f"row {row}: {number} follows {counted[row]}"
        counted[row] = number
    return dict(counted)
