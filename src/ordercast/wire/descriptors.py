"""Whether a connection could be accepted: libuv closes those for which there is no descriptor, and says nothing."""

from __future__ import annotations

import errno
import logging
import os
import resource
from typing import Final

from ordercast.telemetry import DESCRIPTORS_GONE

log = logging.getLogger("ordercast.wire")

_NONE_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})


class DescriptorWatch:
    """Says it once when none are left, and once when there are again."""

    def __init__(self) -> None:
        self.are_gone = False

    def __repr__(self) -> str:
        return f"<DescriptorWatch {'none left' if self.are_gone else 'some left'}>"

    def look(self) -> None:
        """Try for one; some microseconds."""
        are_gone = not _is_one_left()
        if are_gone == self.are_gone:
            return
        self.are_gone = are_gone
        DESCRIPTORS_GONE.set(are_gone)
        if are_gone:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            log.error("no file descriptors are left (this process may have %d): nobody new is let in", limit)
        else:
            log.warning("there are file descriptors again: who comes is let in")


def _is_one_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno not in _NONE_LEFT
    return True
