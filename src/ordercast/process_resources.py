"""Limits of this process: open files and garbage collection."""

from __future__ import annotations

import gc
import resource
import sys
from contextlib import suppress


def open_files_max() -> int:
    """The limit of open descriptors."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_open_files_max() -> None:
    """Raise the limit to the maximum: each connection needs one, and the usual 1,024 are too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # unchanged then
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def tune_gc() -> None:
    """Keep the garbage collector from scanning long-lived objects.

    Deliveries allocate no cycles. Socket.IO benchmarks alone showed no gain; the shop was not measured. No collection
    first: of a start's hundred thousand objects one percent is garbage.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)
