"""Where tests put their files: in memory where there is enough, for a run makes and drops thousands of databases.

What a database confirms is still handed to the kernel, which a `kill -9` does not touch.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - made below as `mkdtemp` makes it
# Some hundred megabytes are in use at a time; what is there is for the machine's other programs, too.
_FREE_BYTES_MIN = 4_000_000_000
_PREFIX = "ordercast-tests-"


def begin() -> Path | None:
    """Lead all temporary files of this process, and of those it starts, there; gives the folder, for `end`.

    None where whoever runs the tests has named a place of theirs, or where memory is no place for files.
    """
    if "TMPDIR" in os.environ or not _has_room():
        return None
    _forget_ended_runs()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY))
    folder.chmod(0o711)  # PostgreSQL runs as another user than root
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def end(folder: Path) -> None:
    """Give the memory back."""
    tempfile.tempdir = None
    del os.environ["TMPDIR"]
    shutil.rmtree(folder, ignore_errors=True)


def _has_room() -> bool:
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return False
    # Programs that tests write are run, which containers forbid there.
    runs = not found.f_flag & os.ST_NOEXEC
    return runs and os.access(_MEMORY, os.W_OK) and found.f_bavail * found.f_frsize >= _FREE_BYTES_MIN


def _forget_ended_runs() -> None:
    """A run that was killed has left its files, and one that failed has left them to be read."""
    for left in _MEMORY.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)
