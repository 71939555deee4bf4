"""File descriptors that this process has left: without one no connection is accepted."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from typing import Final

# Of those that the process may have; a shop that comes so near needs a higher limit (`ulimit -n`, LimitNOFILE).
USED_SHARE_MAX: Final = 0.9


def are_exhausted() -> bool:
    """Whether no file or connection can be opened."""
    return _lowest_free() is None


def warning() -> str | None:
    """A sentence where nearly all are in use."""
    lowest, bound = _lowest_free(), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if lowest is None or lowest < bound * USED_SHARE_MAX:
        return None
    return f"{lowest} of {bound} file descriptors are in use: who comes then is not let in."


def _lowest_free() -> int | None:
    """The system gives the lowest number that is free, so nearly as many are in use."""
    with suppress(OSError):
        descriptor = os.dup(2)
        os.close(descriptor)
        return descriptor
    return None
