from __future__ import annotations

import asyncio

import pytest

from ordercast.db import SessionRow, SqliteStore, StoreClosed, session_loader
from ordercast.db.session_loader import Query, SessionLoader


def session(pid: str) -> SessionRow:
    return SessionRow(pid, f"s-{pid}", "/", b"{}", ("store-owners",), "2026-11-21T06:15:19.608Z")


async def test_many_who_come_at_once_are_asked_for_in_few_questions(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_loader, "AT_ONCE_MAX", 10)
    for number in range(30):
        await store.save_session(session(f"p{number}"))
    questions: list[int] = []

    async def read(query: Query) -> dict[str, SessionRow]:
        questions.append(1)
        return await store.read(query)

    loads = SessionLoader(read)
    pids = [f"p{number}" for number in range(35)]
    loaded = await asyncio.gather(*map(loads.load, [*pids, "p1", "p1"]))
    assert loaded == [*map(session, pids[:30]), *[None] * 5, session("p1"), session("p1")]
    assert len(questions) == 4
    assert await loads.load("p2") == session("p2")


async def test_who_asks_is_told_why_nothing_could_be_read_and_the_next_may_ask_again(store: SqliteStore) -> None:
    operational_errors = [StoreClosed()]

    async def read(query: Query) -> dict[str, SessionRow]:
        if operational_errors:
            raise operational_errors.pop()
        return await store.read(query)

    loads = SessionLoader(read)
    outcomes = await asyncio.gather(loads.load("p1"), loads.load("p2"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreClosed, StoreClosed]
    assert await loads.load("p1") is None


async def test_one_who_leaves_keeps_nobody_else_from_the_answer(store: SqliteStore) -> None:
    await store.save_session(session("p1"))
    loads = SessionLoader(store.read)
    leaving, staying = asyncio.create_task(loads.load("p1")), asyncio.create_task(loads.load("p1"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == session("p1")
