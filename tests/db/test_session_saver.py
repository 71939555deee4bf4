from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ordercast.db import LockedElsewhere, NotCommitted, SessionRow, StoreError, session_saver
from ordercast.db.session_saver import Changes, SessionSaver
from tests.waiting import until


def session(pid: str, sid: str = "s1") -> SessionRow:
    return SessionRow(pid, sid, "/", b"{}", (), "2026-11-21T06:15:19.608Z")


class Database:
    """What is kept; `trouble` says why something cannot be."""

    def __init__(self) -> None:
        self.kept: dict[str, SessionRow | None] = {}
        self.tries: list[list[str]] = []
        self.trouble: Callable[[Changes], Exception | None] = lambda _: None

    async def save(self, changes: Changes) -> None:
        self.tries.append(list(changes))
        await asyncio.sleep(0)
        if (error := self.trouble(changes)) is not None:
            raise error
        self.kept |= changes


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(session_saver, "RETRY_S", 0.001)
    return Database()


async def test_who_waits_for_a_session_goes_on_when_its_newest_state_is_saved(database: Database) -> None:
    saves = SessionSaver(database.save)
    await saves.saved("unknown")
    database.trouble = lambda _: StoreError("away")
    saves.put("p", session("p"))
    waiting = asyncio.create_task(saves.saved("p"))
    await until(lambda: database.tries)
    saves.put("p", session("p", "s2"))
    database.trouble = lambda _: None
    await waiting
    kept = database.kept["p"]
    assert kept is not None
    assert kept.sid == "s2"


async def test_those_that_come_together_are_saved_together_each_as_it_is_last(database: Database) -> None:
    saves = SessionSaver(database.save)
    for number in range(100):
        saves.put(f"p{number}", session(f"p{number}"))
    saves.put("p0", session("p0", "s2"))
    saves.put("p1", None)
    assert (saves.get("p0"), saves.get("p1"), "p1" in saves) == (session("p0", "s2"), None, True)
    await until(lambda: not len(saves))
    assert len(database.tries) == 1
    assert (database.kept["p0"], database.kept["p1"], len(database.kept)) == (session("p0", "s2"), None, 100)


async def test_what_changes_while_it_is_saved_is_saved_again(database: Database) -> None:
    saves = SessionSaver(database.save)
    saves.put("p", session("p"))
    await until(lambda: bool(database.tries))
    saves.put("p", session("p", "s2"))
    await until(lambda: not len(saves))
    assert database.kept == {"p": session("p", "s2")}


@pytest.mark.parametrize("error", [NotCommitted(OSError("away")), LockedElsewhere(OSError("held")), StoreError()])
async def test_what_cannot_be_saved_yet_is_known_meanwhile_and_saved_when_it_can_be(
    database: Database, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    saves = SessionSaver(database.save)
    database.trouble = lambda _: error
    saves.put("p", session("p"))
    await until(lambda: len(database.tries) > 3)
    assert (saves.get("p"), len(saves)) == (session("p"), 1)
    assert caplog.text.count("could not save sessions") == 1
    database.trouble = lambda _: None
    await until(lambda: not len(saves))
    assert database.kept == {"p": session("p")}


@pytest.mark.parametrize("error", [LockedElsewhere(OSError("held")), ValueError("a fault of ours")])
async def test_one_that_cannot_be_saved_keeps_no_other_from_it(database: Database, error: Exception) -> None:
    saves = SessionSaver(database.save)
    database.trouble = lambda changes: error if "p5" in changes else None
    for number in range(300):
        saves.put(f"p{number}", session(f"p{number}"))
    await until(lambda: len(saves) == 1)
    assert "p5" in saves
    assert len(database.kept) == 299
    assert len(database.tries) < 50
    database.trouble = lambda _: None
    await until(lambda: not len(saves))


async def test_past_the_bound_the_oldest_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_saver, "UNSAVED_MAX", 3)
    saves = SessionSaver(database.save)
    for number in range(5):
        saves.put(f"p{number}", session(f"p{number}"))
    await until(lambda: not len(saves))
    assert set(database.kept) == {"p2", "p3", "p4"}
    assert repr(saves) == "<SessionSaver 0 unsaved>"


async def test_closing_saves_what_is_left_and_waits_for_a_database_no_longer_than_its_bound(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = SessionSaver(database.save)
    await saves.close()  # of nothing
    saves.put("p", session("p"))
    await saves.close()
    assert database.kept == {"p": session("p")}
    monkeypatch.setattr(session_saver, "FLUSH_S_MAX", 0.01)
    database.trouble = lambda _: NotCommitted(OSError("away"))
    saves.put("q", session("q"))
    await saves.close()
    assert "q" in saves
