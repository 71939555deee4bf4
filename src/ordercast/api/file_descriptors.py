"""Watches free file descriptors: without one no connection is accepted."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from typing import Final

# Beyond this share of the limit, raise it (`ulimit -n`, LimitNOFILE).
USED_SHARE_MAX: Final = 0.9


def are_exhausted() -> bool:
    """Whether nothing can be opened."""
    return _lowest_free() is None


def warning() -> str | None:
    """A warning if nearly all are in use."""
    lowest, bound = _lowest_free(), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if lowest is None or lowest < bound * USED_SHARE_MAX:
        return None
    return f"{lowest} of {bound} file descriptors are in use: who comes then is not let in."


def _lowest_free() -> int | None:
    """The lowest free number, as the kernel assigns it: about as many are in use."""
    with suppress(OSError):
        descriptor = os.dup(2)
        os.close(descriptor)
        return descriptor
    return None
