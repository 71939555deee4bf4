from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from ordercast.api import passwords as module
from ordercast.api.passwords import Passwords
from ordercast.db import Overloaded
from tests.quick import SLOW_HASHING


@pytest.fixture(autouse=True)
def slow_hashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As it is served: what other tests have left in the caches was made quickly."""
    monkeypatch.setattr(PasswordHasher.__init__, "__defaults__", SLOW_HASHING)
    caches = (module._hasher, module._hash_of_nothing)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


async def test_a_password_matches_its_own_hash_only() -> None:
    passwords, made = Passwords(), PasswordHasher().hash("right")
    assert await passwords.match(made, "right")
    assert not await passwords.match(made, "wrong")
    assert not await passwords.match("not a hash", "right")


async def test_nobody_takes_as_long_as_somebody() -> None:
    passwords, made = Passwords(), PasswordHasher().hash("right")

    async def cpu_s(password_hash: str | None) -> float:
        began = time.process_time()
        assert not await passwords.match(password_hash, "wrong")
        return time.process_time() - began

    # The least of several: what else the machine does may cost some of them more.
    somebody, nobody = [min([await cpu_s(whose) for _ in range(5)]) for whose in (made, None)]
    assert 0.5 < nobody / somebody < 2


@pytest.mark.parametrize("first", ["a sign-in of nobody", "a registration"])
async def test_what_hashes_is_loaded_beside_the_loop(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    makers = []

    def noting() -> PasswordHasher:
        makers.append(threading.current_thread())
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

    monkeypatch.setattr(module, "_hasher", noting)
    passwords = Passwords()
    await (passwords.hash("a long phrase") if first == "a registration" else passwords.match(None, "x"))
    assert makers
    assert threading.current_thread() not in makers


async def test_a_flood_is_refused_rather_than_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECKS_WAITING_MAX", 2)
    passwords = Passwords()
    waiting = [asyncio.create_task(passwords.match(None, "x")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await passwords.match(None, "x")
    assert await asyncio.gather(*waiting) == [False, False]
    assert repr(passwords) == "<Passwords 0 waiting>"


async def test_a_password_is_the_same_however_its_letters_were_put_together() -> None:
    passwords = Passwords()
    made = await passwords.hash("ক\u09c7\u09be café")
    assert await passwords.match(made, "ক\u09cb cafe\u0301")
    assert not await passwords.match(made, "ক\u09cb cafe")
