"""Caches older rows that a returning client needed: others usually follow."""

from __future__ import annotations

import functools
import itertools
import operator
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from ordercast.db import Change

from .encoding import EncodedRow, FeedEvent, row_bytes

ROWS_MAX: Final = 20_000
# Rows may be a thousand times the usual size.
BYTES_MAX: Final = 32_000_000
# Rows whose mask is kept: as many as a replay may span.
MASKS_MAX: Final = 20_000
# Rows skipped per turn of the loop: a millisecond's work.
SKIP_ROWS_MAX: Final = 4_096
# Four bits per room: of 20,000 unrelated rows, about two match by accident.
_MASK_BITS: Final = 256


class HistoryCache:
    """Encoded rows by number, evicted first in, first out; and a Bloom mask of each row's rooms."""

    def __init__(self, encode: Callable[[Change], Sequence[FeedEvent]]) -> None:
        self._encode = encode
        self._rows: OrderedDict[int, EncodedRow] = OrderedDict()
        self._bytes = 0
        self._masks: OrderedDict[int, int] = OrderedDict()
        self.encoded = 0
        """Rows encoded for replays so far."""

    def __repr__(self) -> str:
        return f"<HistoryCache rows={len(self._rows)} bytes={self._bytes} masks={len(self._masks)}>"

    def row(self, change: Change) -> EncodedRow:
        """Return the encoded row of a change, from the cache if possible."""
        row = self._rows.get(change.seq)
        if row is None:
            row = self._rows[change.seq] = (change.seq, self._encode(change))
            self.encoded += 1
            rooms = (mask_of(room) for event in row[1] for room in event.rooms)
            self._masks[change.seq] = functools.reduce(operator.or_, rooms, 0)
            if len(self._masks) > MASKS_MAX:
                self._masks.popitem(last=False)
            self._bytes += row_bytes(row)
            while len(self._rows) > ROWS_MAX or self._bytes > BYTES_MAX:
                self._bytes -= row_bytes(self._rows.popitem(last=False)[1])
        return row

    def rows_between(self, after: int, end: int) -> list[EncodedRow]:
        """The cached rows after `after`, up to `end` or the first that is missing."""
        return list(itertools.takewhile(bool, map(self._rows.get, range(after + 1, end + 1))))  # type: ignore[arg-type]

    def skip(self, after: int, end: int, masks: Sequence[int]) -> int:
        """The last row, up to `end`, before one that may be for rooms of these masks or is not cached; bounded per
        turn. Saves clients with few rooms the reading and encoding of everybody's history.
        """
        seq, known = after + 1, self._masks
        end = min(after + SKIP_ROWS_MAX, end) + 1
        while seq < end and (mask := known.get(seq)) is not None and not any(mask & one == one for one in masks):
            seq += 1
        return seq - 1

    def clear(self) -> None:
        self._rows.clear()
        self._masks.clear()
        self._bytes = 0


def mask_of(room: str) -> int:
    """The bits of a room (Bloom 1970); the same within this process only."""
    hashed = hash(room)
    return functools.reduce(operator.or_, (1 << (hashed >> shift & _MASK_BITS - 1) for shift in (0, 8, 16, 24)))
