"""Hashes and checks passwords: slow on purpose, so on a thread, one at a time, with a bounded queue."""

from __future__ import annotations

import asyncio
import unicodedata
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from ordercast.db import Overloaded

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

# Each takes a core for tens of milliseconds and 64 MiB: more would starve the event loop.
CHECKS_AT_ONCE: Final = 1
# The end of the queue waits for seconds; a flood must not make it longer.
CHECKS_WAITING_MAX: Final = 100
# Per address: a fifth of the queue.
CALLERS_WAITING_MAX: Final = 20


class Passwords:
    """Checks passwords of an application; used from its loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._waiting: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Passwords {self._waiting.total()} waiting>"

    async def match(self, password_hash: str | None, password: str, caller: str = "") -> bool:
        """Whether `password` matches the hash; None takes as long and never matches. Raises Overloaded."""
        return await self._in_turn(caller, _verify, password_hash, _typed(password))

    async def hash(self, password: str, caller: str = "") -> str:
        """The hash to store. Raises Overloaded."""
        return await self._in_turn(caller, _hash, _typed(password))

    async def _in_turn(self, caller: str, work: Callable[..., T], *args: str | None) -> T:
        bound = CALLERS_WAITING_MAX if caller else CHECKS_WAITING_MAX
        waiting = self._waiting.total()
        if waiting >= CHECKS_WAITING_MAX or self._waiting[caller] >= bound:
            raise Overloaded("sign-ins", waiting)
        self._waiting[caller] += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work, *args)
        finally:
            self._waiting[caller] -= 1
            if not self._waiting[caller]:
                del self._waiting[caller]


@cache
def _hasher() -> PasswordHasher:
    """Imported with the first password, on its thread."""
    from argon2 import PasswordHasher  # noqa: PLC0415

    return PasswordHasher()


def _hash(password: str) -> str:
    return _hasher().hash(password)


def _verify(password_hash: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        return _hasher().verify(password_hash or _hash_of_nothing(), password)
    except (VerificationError, InvalidHashError):
        return False


def _typed(password: str) -> str:
    """Normalize composition: keyboards compose letters with marks differently."""
    return unicodedata.normalize("NFC", password)


@cache
def _hash_of_nothing() -> str:
    """A hash of no known password, with the hasher's parameters."""
    hasher = _hasher()
    salt, digest = (b64encode(bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len))
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"
