"""What backups of both databases share: a file that appears when it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# What SQLite keeps beside a file.
_COMPANIONS: Final = ("", "-wal", "-shm", "-journal")


class BackupRefused(Exception):
    """Nothing was written or changed; the text says why, as a sentence without a full stop."""


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """A draft beside `target`, which takes its name when all of it is on disk.

    Raises BackupRefused where that is taken, or cannot be written.
    """
    if target.exists():
        raise _taken(target)
    try:
        with draft_of(target) as draft:
            yield draft
            _sync(draft)
            # A link and not a rename: what another process has written there meanwhile stays.
            os.link(draft, target)
            _sync(target.parent)
    except FileExistsError as error:
        raise _taken(target) from error
    except OSError as error:
        raise BackupRefused(f"{error.filename or target}: {error.strerror}") from error


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, for its owner alone: it will have personal data. Gone when the block ends."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600))
    try:
        yield draft
    finally:
        for suffix in _COMPANIONS:
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def put_in_place(draft: Path, path: Path) -> None:
    """Give a draft the name of what is not there yet, or is empty."""
    _sync(draft)
    draft.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(path: Path) -> BackupRefused:
    return BackupRefused(f"{path} is there already; name another file")
