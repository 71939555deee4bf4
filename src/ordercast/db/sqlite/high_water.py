"""The high-water mark of an embedded database's feed, in a file beside it: a restored copy falls behind it.

Not durable itself: written without a sync, after rows that are on disk, so it is never ahead of its database. If lost,
a restored copy is not recognized.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Final

_FORM: Final = re.compile(rb"([0-9a-z]{1,32}) (\d{18})\n")


log = logging.getLogger("ordercast.db")


class HighWater:
    """The file's line: an epoch, and the newest published number."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}-told")
        self._descriptor = -1
        self._epoch = ""
        self._seq = 0
        self._is_well = True

    def __repr__(self) -> str:
        return f"<HighWater {self._seq}>"

    def open(self) -> tuple[str, int] | None:
        """Open the file; return its content, None if it has none."""
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        match = _FORM.fullmatch(os.pread(self._descriptor, 64, 0))
        return None if match is None else (match[1].decode(), int(match[2]))

    def note(self, epoch: str, seq: int) -> None:
        """Record that numbers up to `seq` are published."""
        if seq <= self._seq and epoch == self._epoch:
            return
        self._epoch, self._seq = epoch, seq
        try:
            os.pwrite(self._descriptor, b"%s %018d\n" % (epoch.encode(), seq), 0)
        except OSError as error:  # perhaps a full disk: rows are published all the same
            if self._is_well:
                log.warning("could not write the published position to %s: %s", self.path.name, error.strerror)
            self._is_well = False
        else:
            self._is_well = True

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
