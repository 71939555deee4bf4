"""Whether file descriptors are left: libuv closes connections for which there is none, and says nothing."""

from __future__ import annotations

import errno
import logging
import os
import resource
from typing import Final

from ordercast.telemetry import DESCRIPTORS_GONE

log = logging.getLogger("ordercast.wire")

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE})


class FileDescriptorMonitor:
    """Logs once when none are left, and once when there are again."""

    def __init__(self) -> None:
        self.is_exhausted = False

    def __repr__(self) -> str:
        return f"<FileDescriptorMonitor {'none left' if self.is_exhausted else 'some left'}>"

    def check(self) -> None:
        """Try to open one; some microseconds."""
        is_exhausted = not _can_open()
        if is_exhausted == self.is_exhausted:
            return
        self.is_exhausted = is_exhausted
        DESCRIPTORS_GONE.set(is_exhausted)
        if is_exhausted:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            log.error("no file descriptors are left (this process may have %d): nobody new is let in", limit)
        else:
            log.warning("there are file descriptors again: who comes is let in")


def _can_open() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno not in _EXHAUSTED
    return True
