"""Buffers the newest rows of the feed in memory, for replays after short disconnects."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from typing import Final

from ordercast.db import Change

from .encoding import EncodedRow, row_bytes

# 12 MB at 3 kB a row.
ROWS_MAX: Final = 4_096
# Rows may be a thousand times the usual size.
BYTES_MAX: Final = 32_000_000


class ReplayBuffer:
    """Consecutive rows up to the last delivered one, bounded in rows and bytes.

    A row without recipients is kept unencoded, and encoded for its first replay.
    """

    def __init__(self) -> None:
        self._rows: deque[EncodedRow | Change] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<ReplayBuffer rows={len(self._rows)} bytes={self._bytes}>"

    def append(self, row: EncodedRow | Change) -> None:
        """Append the next row."""
        self._rows.append(row)
        self._bytes += row_bytes(row)
        while len(self._rows) > ROWS_MAX or self._bytes > BYTES_MAX:
            self._bytes -= row_bytes(self._rows.popleft())

    def clear(self) -> None:
        self._rows.clear()
        self._bytes = 0

    def rows_after(self, seq: int, limit: int) -> Sequence[EncodedRow | Change] | None:
        """Up to `limit` rows after `seq`; None if the buffer does not reach back."""
        if not self._rows or (first := _seq(self._rows[0])) > seq + 1:
            return None
        # Rows are consecutive, so the index is known.
        start = seq + 1 - first
        return list(itertools.islice(self._rows, start, start + limit))


def _seq(row: EncodedRow | Change) -> int:
    return row.seq if isinstance(row, Change) else row[0]
