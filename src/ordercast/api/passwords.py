"""Checking passwords: slow on purpose, so off the loop, one at a time, and with a bound on who waits."""

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

# Each takes a core for tens of milliseconds and 64 MiB: more at a time would starve the loop that serves everyone else.
CHECKS_AT_ONCE: Final = 1
# Whoever is behind so many would wait for seconds; a flood of made-up addresses must not become a queue.
CHECKS_WAITING_MAX: Final = 100
# Of those of one address: a fifth, so that the bound above is not one caller's to use up.
CALLERS_WAITING_MAX: Final = 20


class Passwords:
    """One per application; used from its loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._waiting: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Passwords {self._waiting.total()} waiting>"

    async def match(self, password_hash: str | None, password: str, caller: str = "") -> bool:
        """Whether `password` made the hash; None, for nobody, takes as long and never matches. Raises Overloaded."""
        return await self._in_turn(caller, _verify, password_hash, _typed(password))

    async def hash(self, password: str, caller: str = "") -> str:
        """What is stored of a password. Raises Overloaded."""
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
    """Loaded with the first password, on its thread: a node that nobody signs in at has no use for it."""
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
    """The same however a keyboard put it together: letters with marks, as Bengali has, come in more ways than one."""
    return unicodedata.normalize("NFC", password)


@cache
def _hash_of_nothing() -> str:
    """A hash in the hasher's own parameters that no password is known to make."""
    hasher = _hasher()
    salt, digest = (b64encode(bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len))
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"
