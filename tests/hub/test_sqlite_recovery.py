"""What is kept in a file for clients that come back to another process; see `test_recovery.py` for all else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordercast.hub import Server, Session, Socket
from ordercast.hub.recovery.sqlite import PRUNE_EVENTS, RECENT_EVENTS_MAX, SqliteRecovery
from tests.hub.links import connect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def opened() -> Iterator[list[SqliteRecovery]]:
    recoveries: list[SqliteRecovery] = []
    yield recoveries
    for recovery in recoveries:
        recovery.close()


async def started(opened: list[SqliteRecovery], path: Path, *, events_max: int = 100_000) -> tuple[Server, Socket]:
    """A server anew, as after a restart, with one socket on it."""
    while opened:
        opened.pop().close()
    server = Server()
    recovery = SqliteRecovery(path, events_max=events_max)
    opened.append(recovery)
    connect(server)
    (socket,) = server.main.sockets.values()
    server.main.recovery = recovery
    return server, socket


async def missed(recovery: SqliteRecovery, socket: Socket, offset: str) -> list[str]:
    batches = [batch async for batch in recovery.missed(socket, (), offset)]
    return [message.text.decode().rpartition(",")[0] for batch in batches for message in batch]


def now(recovery: SqliteRecovery, socket: Socket) -> str:
    greeting = recovery.greeting(socket)
    assert greeting is not None
    return str(greeting[1][-1])


@pytest.mark.parametrize("count", [3, RECENT_EVENTS_MAX + 500])
async def test_another_process_replays_what_was_missed(path: Path, opened: list[SqliteRecovery], count: int) -> None:
    server, socket = await started(opened, path)
    server.emit("n", "before")
    offset = now(opened[0], socket)
    for number in range(count):
        server.emit("n", number)

    server, socket = await started(opened, path)
    server.emit("n", "after")

    assert await missed(opened[0], socket, offset) == [
        *(f'42["n",{number}' for number in range(count)),
        '42["n","after"',
    ]


async def test_attachments_rooms_and_exceptions_stand_in_the_file(path: Path, opened: list[SqliteRecovery]) -> None:
    server, socket = await started(opened, path)
    offset = now(opened[0], socket)
    server.emit("file", b"\x00\xff")
    server.to("elsewhere").emit("n", 1)
    server.except_("mine").emit("n", 2)

    server, socket = await started(opened, path)

    batches = [batch async for batch in opened[0].missed(socket, ("mine",), offset)]
    (message,) = [message for batch in batches for message in batch]
    assert message.attachments == (b"\x00\xff",)


async def test_sessions_outlive_the_process(path: Path, opened: list[SqliteRecovery]) -> None:
    session = Session("pid", "sid", "/", "ada", ("a", "b"))
    await started(opened, path)
    await opened[0].save(session)

    await started(opened, path)

    assert await opened[0].load("pid") == session
    await opened[0].forget("pid")
    assert await opened[0].load("pid") is None
    assert "sessions=0" in repr(opened[0])


async def test_sessions_are_bounded_and_the_oldest_goes_first(path: Path, opened: list[SqliteRecovery]) -> None:
    recovery = SqliteRecovery(path, sessions_max=2)
    opened.append(recovery)
    for pid in ("one", "two", "one", "three"):
        await recovery.save(Session(pid, "sid", "/", "", ()))

    assert await recovery.load("two") is None
    assert {pid for pid in ("one", "three") if await recovery.load(pid)} == {"one", "three"}


async def test_events_are_bounded(path: Path, opened: list[SqliteRecovery]) -> None:
    server, socket = await started(opened, path, events_max=50)
    first = now(opened[0], socket)
    for number in range(2 * PRUNE_EVENTS + 51):
        server.emit("n", number)
    epoch, _, last = now(opened[0], socket).partition(":")

    assert opened[0].gap(first) == "history_pruned"
    assert opened[0].gap(f"{epoch}:{int(last) - 50}") is None
    assert opened[0].gap(f"{epoch}:{int(last) - 51}") == "history_pruned"
    assert repr(opened[0]) == "<SqliteRecovery events.db events=50 sessions=0>"
    opened.pop().close()
    connection = sqlite3.connect(path)
    (rows,) = connection.execute("SELECT count(*) FROM events").fetchone()
    connection.close()
    assert 50 <= rows <= 50 + PRUNE_EVENTS


async def test_numbers_go_on_where_all_was_pruned(path: Path, opened: list[SqliteRecovery]) -> None:
    server, socket = await started(opened, path, events_max=1)
    for number in range(PRUNE_EVENTS + 5):
        server.emit("n", number)
    offset = now(opened[0], socket)

    server, socket = await started(opened, path, events_max=1)
    server.emit("n", "after")

    assert await missed(opened[0], socket, offset) == ['42["n","after"']


async def test_a_file_belongs_to_one_process(path: Path, opened: list[SqliteRecovery]) -> None:
    await started(opened, path)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        SqliteRecovery(path)


async def test_what_cannot_be_kept_is_received_by_nobody(path: Path, opened: list[SqliteRecovery]) -> None:
    server, socket = await started(opened, path)
    offset = now(opened[0], socket)
    opened[0]._connection.execute("PRAGMA query_only = ON")

    with pytest.raises(sqlite3.OperationalError):
        server.emit("n", 1)

    opened[0]._connection.execute("PRAGMA query_only = OFF")
    server.emit("n", 2)
    assert await missed(opened[0], socket, offset) == ['42["n",2']
