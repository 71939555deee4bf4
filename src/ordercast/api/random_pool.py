"""Random bytes from the system, fetched in blocks.

Each fetch lets go of the interpreter's lock, and beside a busy writer thread getting it back was measured to take
longer than all the rest of making an id.
"""

from __future__ import annotations

import os
from typing import Final

_BLOCK_BYTES: Final = 4_096


class RandomPool:
    """Bytes from ``os.urandom``; each is given out once."""

    def __init__(self) -> None:
        self._block = b""
        self._used = 0

    def __repr__(self) -> str:
        return f"<RandomPool {len(self._block) - self._used} bytes left>"

    def take(self, count: int) -> bytes:
        """The next `count` bytes, at most a block's length."""
        if self._used + count > len(self._block):
            self._block = os.urandom(_BLOCK_BYTES)
            self._used = 0
        taken = self._block[self._used : self._used + count]
        self._used += count
        return taken
