"""Random bytes from the system, read in blocks.

Each read releases the GIL, and getting it back beside a busy writer thread took longer than the rest of making an id.
"""

from __future__ import annotations

import os
from typing import Final

_BLOCK_BYTES: Final = 4_096


class RandomPool:
    """A pool of bytes from ``os.urandom``; each is used once."""

    def __init__(self) -> None:
        self._block = b""
        self._used = 0

    def __repr__(self) -> str:
        return f"<RandomPool {len(self._block) - self._used} bytes left>"

    def take(self, count: int) -> bytes:
        """Take `count` bytes, at most a block."""
        if self._used + count > len(self._block):
            self._block = os.urandom(_BLOCK_BYTES)
            self._used = 0
        taken = self._block[self._used : self._used + count]
        self._used += count
        return taken
