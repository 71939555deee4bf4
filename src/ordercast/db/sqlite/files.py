"""The files of an embedded database: their identity, and logs left by a former file."""

from __future__ import annotations

import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from ordercast.db.sqlite.leases import FileLost

# Of the file's header (https://sqlite.org/fileformat2.html#magic_header_string).
_MAGIC: Final = b"SQLite format 3\0"

log = logging.getLogger("ordercast.db")


class Files(NamedTuple):
    """Which files they are; 0 for one that is not there."""

    device: int
    main: int
    wal: int
    shm: int


def stat(name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name)  # noqa: PTH116 - a Path takes three times as long, and each commit asks
    except FileNotFoundError:
        return None


def written(main: os.stat_result) -> tuple[int, int]:
    return main.st_mtime_ns, main.st_size


def signature_of(name: bytes) -> tuple[int, ...] | None:
    """Changes with the file; None if it is missing or unreachable."""
    try:
        found = stat(name)
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def must_look_like_one(path: Path, size: int, *, is_ours: bool) -> None:
    """As far as can be said without opening it by SQLite, which would lay the log beside it over it."""
    if size == 0:
        raise FileLost(f"{path.name} is empty")
    # One that is ours must not be opened and closed: that would take away the locks that SQLite has on it.
    if not is_ours:
        try:
            with path.open("rb") as file:
                magic = file.read(len(_MAGIC))
        except OSError as error:
            raise FileLost(f"{path.name} cannot be read ({error.strerror})") from error
        if magic != _MAGIC:
            raise FileLost(f"what stands in the place of {path.name} is no SQLite database")


def set_log_aside(path: Path) -> None:
    """Whoever copied a database onto the file wants that one; what was committed last to the former is kept."""
    journal, kept = Path(f"{path}-wal"), Path(f"{path}-wal-of-the-former-{time.time_ns()}")
    with suppress(OSError):
        shutil.copyfile(journal, kept)
        kept.chmod(0o600)
        os.truncate(journal, 0)  # SQLite cannot lay over the file what it cannot read
        log.error("a copy was written over %s: the log of the former one is kept in %s", path.name, kept.name)


def remove_leftovers(path: Path, files: Files, former: Files) -> None:
    """SQLite leaves log and index of a file that was moved away where they were; another one's they are not, and
    it would lay that log over it. What could not be brought from it to the former file is kept.
    """
    if files.wal and files.wal == former.wal:
        journal, kept = Path(f"{path}-wal"), Path(f"{path}-wal-of-the-former-{time.time_ns()}")
        if journal.stat().st_size == 0:
            journal.unlink(missing_ok=True)
        else:
            journal.rename(kept)
            log.error("what was committed last to the former %s is in %s", path.name, kept.name)
    if files.shm and files.shm == former.shm:
        Path(f"{path}-shm").unlink(missing_ok=True)


# --- Errors -----------------------------------------------------------------------------------------------------------


def gone(path: Path) -> str:
    return f"the database file {path.name} is gone: it was deleted or moved away, or its folder was"


def damaged(path: Path, error: Exception) -> str:
    words = str(error).rstrip(".")
    return f"{path.name} was written over while it was in use, or is damaged ({words})"
