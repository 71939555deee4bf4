"""What may be replayed to one identity, with time moved by hand."""

from __future__ import annotations

import asyncio
from typing import Any

from ordercast.hub import Options, Server, Socket
from ordercast.hub.recovery import replay_budget as module
from ordercast.hub.recovery.memory import MemoryRecovery
from ordercast.hub.recovery.replay_budget import ReplayBudget

from .links import Link


def test_an_account_is_overdrawn_once_and_refills() -> None:
    budget = ReplayBudget(burst=100, per_second=10)

    budget.spend("one", 60, 0.0)
    assert budget.allows("one", 0.0)
    budget.spend("one", 80, 0.0)
    assert not budget.allows("one", 0.0)
    assert budget.allows("another", 0.0)
    assert not budget.allows("one", 4.0)
    assert budget.allows("one", 4.1)


def test_accounts_are_forgotten_when_they_are_even_and_not_before(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "ACCOUNTS_MAX", 3)
    budget = ReplayBudget(burst=1, per_second=1)
    budget.spend("owes", 100, 0.0)
    for number in range(50):
        budget.spend(f"even {number}", 0.5, float(number))

    assert not budget.allows("owes", 50.0)
    assert repr(budget) in ("<ReplayBudget accounts=3>", "<ReplayBudget accounts=2>")


async def returning(server: Server, offset: str) -> Link:
    link = Link(server)
    link.receive(f'0{{"offset":"{offset}"}}')
    for _ in range(20):
        await asyncio.sleep(0)
    return link


def calls(link: Link) -> list[str]:
    return [str(sent)[2:].split('"')[1] for sent in link.sent if str(sent).startswith("42")]


def position(recovery: MemoryRecovery, server: Server) -> str:
    greeting = recovery.greeting(Socket(server.main, Link(server).receiver, "sid", {}))
    assert greeting is not None
    return str(greeting[1][-1])


async def test_who_has_no_name_pays_by_address() -> None:
    server = Server(Options(replay_burst=1, replay_per_second=0.001))
    server.main.recovery = recovery = MemoryRecovery()
    start = position(recovery, server)
    for number in range(19):
        server.emit("news", number)

    links = [await returning(server, start) for _ in range(4)]

    assert [calls(link).count("news") for link in links] == [19, 19, 0, 0]
    assert [calls(link)[-1] for link in links] == ["recovery:position", "recovery:position", "resync", "resync"]
    assert '"replay_budget"' in str(links[3].sent[-1])
    await server.close()


async def test_without_a_burst_there_is_no_bound() -> None:
    server = Server(Options(replay_burst=None))
    server.main.recovery = recovery = MemoryRecovery()
    start = position(recovery, server)
    server.emit("news")

    assert [calls(await returning(server, start)).count("news") for _ in range(5)] == [1] * 5
    await server.close()
