"""How fast somebody may do something: token buckets.

Each is kept as the moment at which it will be full again (the generic cell rate algorithm), so that nothing runs to
refill it.
"""

from __future__ import annotations

import os
import re
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import Final, Self

_RATE: Final = re.compile(r"([1-9]\d{0,8})/([1-9]\d{0,5})([smh])")
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600}
# Under a nanosecond is a rounding error of clocks counted in days.
_ROUNDING_S: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once after a silence, and in the long run as many in each `period_s` seconds. Written ``30/5m``."""

    burst: int
    period_s: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a count and a time in ``s``, ``m`` or ``h``. Raises ValueError for what is no rate."""
        found = _RATE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a count and a time, such as 30/5m")
        return cls(int(found[1]), int(found[2]) * _UNITS_S[found[3]])

    def __str__(self) -> str:
        return f"{self.burst} in {self.period_s:g} s"

    @property
    def interval_s(self) -> float:
        """Seconds until one that was taken is back."""
        return self.period_s / self.burst


class TokenBucket:
    """One bucket of `burst` tokens, refilled by `per_second`. Who takes faster waits; nothing is refused here."""

    __slots__ = ("_full_at_s", "_interval_s", "_slack_s")

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval_s = 1 / per_second
        self._slack_s = (burst - 1) * self._interval_s
        self._full_at_s = 0.0

    def take(self, now_s: float) -> float:
        """Take one and give 0, or take none and give the seconds until there is one."""
        wait_s = self._full_at_s - now_s - self._slack_s
        if wait_s > _ROUNDING_S:
            return wait_s
        self._full_at_s = max(self._full_at_s, now_s) + self._interval_s
        return 0.0


class TokenBuckets:
    """A bucket for every key that there may ever be, in memory of a fixed size, with nothing to forget.

    A table of keys would have to be bounded, and a bound evicts: who has emptied a bucket makes up keys until theirs is
    forgotten. So keys are hashed into a count-min sketch (Cormode and Muthukrishnan 2005) with conservative update:
    each has a cell in every row, and has spent no more than the least of them says. Two that share cells in all rows
    share a bucket; while 10,000 callers have emptied theirs, that befalls one newcomer in 2,500. The hash is keyed, so
    that nobody can choose whom to share with.
    """

    ROWS = 3
    CELLS = 131_072  # with three rows of eight bytes, 3 MB

    def __init__(self, cells: int = CELLS) -> None:
        self._cells = array("d", bytes(8 * cells * self.ROWS))
        self._per_row = cells
        self._salt = os.urandom(16)

    def __repr__(self) -> str:
        return f"<TokenBuckets {self.ROWS} x {self._per_row}>"

    def take(self, key: str, rate: Rate, now_s: float) -> float:
        """Take one token and give 0, or take none and give the seconds until there is one.

        `now_s` is of any clock that does not go back. A key is to have one rate as long as it lives.
        """
        places = self._cells_of(key)
        cells = self._cells
        full_at_s = min([cells[place] for place in places])
        wait_s = full_at_s - now_s - (rate.burst - 1) * rate.interval_s
        if wait_s > _ROUNDING_S:
            return wait_s
        self._raise_to(places, max(full_at_s, now_s) + rate.interval_s)
        return 0.0

    def give_back(self, key: str, rate: Rate) -> None:
        """Undo one `take` of the same key and rate."""
        places = self._cells_of(key)
        full_at_s = min([self._cells[place] for place in places])
        for place in places:
            if self._cells[place] == full_at_s:  # the others stand for somebody else
                self._cells[place] = full_at_s - rate.interval_s

    def mark(self, key: str, until_s: float) -> None:
        """Remember `key` until then, in buckets that serve for nothing else."""
        self._raise_to(self._cells_of(key), until_s)

    def is_marked(self, key: str, now_s: float) -> bool:
        """Whether `key` is still remembered."""
        return min([self._cells[place] for place in self._cells_of(key)]) > now_s

    def _raise_to(self, places: tuple[int, ...], moment_s: float) -> None:
        for place in places:
            self._cells[place] = max(self._cells[place], moment_s)

    def _cells_of(self, key: str) -> tuple[int, ...]:
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_HASHES.size, key=self._salt).digest()
        return tuple(row * self._per_row + hashed % self._per_row for row, hashed in enumerate(_HASHES.unpack(digest)))


_HASHES: Final = Struct("<III")
