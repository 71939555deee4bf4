"""Older rows that somebody came back for: others usually follow for the same ones, all the way."""

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
# Rows can be a thousand times as large as usual.
BYTES_MAX: Final = 32_000_000
# Rows of which a mask is kept: all that are replayed.
MASKS_MAX: Final = 20_000
# Rows skipped in one turn of the loop, a millisecond's work.
SKIP_ROWS_MAX: Final = 4_096
# Each room sets four bits of these: of 20,000 rows not for a client some two are looked at all the same.
_MASK_BITS: Final = 256


class HistoryCache:
    """Encoded rows by number, the first added leaving first; and of each, as a Bloom mask, which rooms it is for."""

    def __init__(self, encode: Callable[[Change], Sequence[FeedEvent]]) -> None:
        self._encode = encode
        self._rows: OrderedDict[int, EncodedRow] = OrderedDict()
        self._bytes = 0
        self._masks: OrderedDict[int, int] = OrderedDict()
        self.encoded = 0
        """Rows that were encoded for somebody who came back, so far."""

    def __repr__(self) -> str:
        return f"<HistoryCache rows={len(self._rows)} bytes={self._bytes} masks={len(self._masks)}>"

    def row(self, change: Change) -> EncodedRow:
        """The encoded row of a change, encoded now if it is not kept."""
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
        """The rows behind `after`, up to `end` or the first that is not kept."""
        return list(itertools.takewhile(bool, map(self._rows.get, range(after + 1, end + 1))))  # type: ignore[arg-type]

    def skip(self, after: int, end: int, masks: Sequence[int]) -> int:
        """How far one can go from `after`, at most to `end`, before a row may be for rooms of these masks, or is not
        known; not too far for one turn of the loop. It spares those with few rooms the reading and encoding of
        everybody's history.
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
    """Some bits for a room (Bloom 1970), alike within this process alone."""
    hashed = hash(room)
    return functools.reduce(operator.or_, (1 << (hashed >> shift & _MASK_BITS - 1) for shift in (0, 8, 16, 24)))
