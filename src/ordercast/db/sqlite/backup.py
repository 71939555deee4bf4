"""Backs up and restores an embedded database, beside a running shop too.

SQLite's own online backup, in one step: all pages of one snapshot, however much is written meanwhile. A restore is one
transaction of the restored file, so a crash leaves what was there (https://sqlite.org/backup.html).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from ordercast.db.backups import BackupRefused, draft_of, put_in_place, written_whole
from ordercast.db.errors import Unusable
from ordercast.db.migrate import revision_of, upgrade

from .connection import connect
from .history_position import begin_epoch_of
from .leases import FileLost

# -1: all pages in one step. In several a busy writer would make SQLite begin again, for ever.
_ALL_PAGES: Final = -1
# A restore waits for whoever writes to the database; a shop of ours does so for milliseconds.
LOCKED_S_MAX: Final = 30.0


def back_up(database: Path, target: Path, began: Callable[[int], None]) -> None:
    """Write the database's newest committed state to a new file, complete and on disk when `target` appears.

    `began` is told the size in bytes before the pages are written. Raises BackupRefused.
    """
    with _refused(database), written_whole(target) as draft, closing(connect(database, read_only=True)) as source:
        ((size,),) = source.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        began(size)
        _copy(source, draft)
        _must_be_whole(draft)


def restore(backup: Path, database: Path, *, replace: bool) -> Path | None:
    """Make the backup the database, at the newest schema and in a new epoch.

    Returns where the replaced database was saved, None if there was none. Raises BackupRefused; then nothing changed.
    """
    is_there = database.exists() and database.stat().st_size > 0
    if is_there and not replace:
        raise BackupRefused(f"{database} is there already; --replace puts the backup in its place, and keeps a copy")
    saved = _free_name(database.with_name(f"{database.name}.replaced")) if is_there else None
    with _refused(backup), draft_of(database) as draft:
        with closing(connect(backup, read_only=True)) as source:
            _copy(source, draft)
        _must_be_whole(draft)
        _prepare(draft, backup)
        if saved is None:
            put_in_place(draft, database)
            return None
        back_up(database, saved, lambda _: None)
        with closing(connect(draft, read_only=True)) as source, closing(connect(database)) as target:
            source.backup(target, pages=_ALL_PAGES, progress=_patience(database))
    return saved


def _free_name(path: Path) -> Path:
    """The path, or the first that is free with a number behind it."""
    found, count = path, 1
    while found.exists():
        count += 1
        found = path.with_name(f"{path.name}-{count}")
    return found


def _patience(database: Path) -> Callable[[int, int, int], None]:
    """End the driver's waiting for a lock, which has no end of its own."""
    end_s = time.monotonic() + LOCKED_S_MAX

    def look(_: int, remaining: int, __: int) -> None:
        if remaining and time.monotonic() > end_s:
            raise BackupRefused(f"{database} is locked by another program; nothing was changed")

    return look


def _prepare(draft: Path, backup: Path) -> None:
    """Bring a copy up to date and begin a new epoch in it."""
    if revision_of(draft) is None:
        raise BackupRefused(f"{backup} is no backup of a shop")
    upgrade(draft)
    begin_epoch_of(draft)
    with closing(connect(draft)) as connection:
        # Back into one file, which is moved.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")


def _copy(source: sqlite3.Connection, draft: Path) -> None:
    with closing(sqlite3.connect(draft)) as target:
        source.backup(target, pages=_ALL_PAGES)
        # Else the copy would say WAL, and whoever reads it would need to write beside it.
        target.execute("PRAGMA journal_mode = DELETE")


def _must_be_whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        ((found,),) = connection.execute("PRAGMA quick_check(1)")
    if found != "ok":
        raise BackupRefused(f"the copy is damaged: {found}")


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Tell in a sentence what keeps a file from being read or written."""
    try:
        yield
    except (sqlite3.Error, Unusable, FileLost) as error:
        raise BackupRefused(f"{path}: {error}") from error
    except OSError as error:
        raise BackupRefused(f"{error.filename or path}: {error.strerror}") from error
