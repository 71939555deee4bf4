"""What this process takes of its machine: open files, and time to look for garbage."""

from __future__ import annotations

import gc
import resource
import sys
from contextlib import suppress


def open_files_max() -> int:
    """How many descriptors this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_open_files_max() -> None:
    """Have as many as the system grants: each connection holds one, and the usual 1,024 are for programs with few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # then it stays as it was
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def tune_gc() -> None:
    """Keep the cyclic collector from walking what lives as long as the process.

    What a delivery allocates has no cycles. The Socket.IO benchmarks alone showed no gain; the shop was not measured.
    Nothing is collected first: a start makes a hundred thousand objects, and a hundredth of them is garbage.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)
