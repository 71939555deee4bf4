"""Warns of a full disk or a long log, before they stop the shop."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

from ordercast.telemetry import DATABASE_FREE_BYTES, DATABASE_LOG_BYTES

# A busy shop's day, and a copy of the feed.
FREE_MB_MIN: Final = 256
# SQLite cannot reuse its log under an old snapshot. Four times its usual limit.
LOG_MB_MAX: Final = 256
_MB: Final = 1024 * 1024

log = logging.getLogger("ordercast.db")


class Space:
    """Checks on demand; logs each warning when it begins."""

    def __init__(self, path: Path, *, free_mb_min: int = FREE_MB_MIN, log_mb_max: int = LOG_MB_MAX) -> None:
        self._path = path
        self._free_mb_min = free_mb_min
        self._log_mb_max = log_mb_max
        self._said: set[str] = set()

    def __repr__(self) -> str:
        return f"<Space {sorted(self._said)}>"

    def warnings(self) -> list[str]:
        """One sentence for each exceeded bound."""
        found: dict[str, str] = {}
        free, length = self._free(), self._length()
        if free is not None:
            DATABASE_FREE_BYTES.set(free)
            if free < self._free_mb_min * _MB:
                found["disk"] = f"The database's disk has {free // _MB} MB left: a full one takes no orders."
        if length is not None:
            DATABASE_LOG_BYTES.set(length)
            if length > self._log_mb_max * _MB:
                found["log"] = (
                    f"The database's log {self._path.name}-wal has grown to {length // _MB} MB: some program reads a"
                    " snapshot of long ago, and it cannot be reused before that ends."
                )
        for name in found.keys() - self._said:
            log.warning("%s", found[name])
        self._said = set(found)
        return [found[name] for name in sorted(found)]

    def _free(self) -> int | None:
        try:
            found = os.statvfs(self._path.parent)
        except OSError:
            return None
        return found.f_bavail * found.f_frsize

    def _length(self) -> int | None:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size
        except OSError:
            return None
