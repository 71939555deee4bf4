"""``ordercast backup`` and ``ordercast restore``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from ordercast.db.backups import BackupRefused

from .process import DatabaseUrl, load_settings_unsigned

Json = Annotated[bool, Parameter(name="--json", help="Print the outcome as one line of JSON.", negative="")]

# 2 is a setting that is missing or wrong, as of every command.
REFUSED: Final = 1
_SHOWN_EVERY_S: Final = 0.5
_MEGABYTE: Final = 1_000_000


def backup(file: Path, *, json: Json = False, database_url: DatabaseUrl = None) -> None:
    """Write a copy of the database to FILE, beside a running shop too: all that was committed at one moment.

    SQLite's is a database file itself; PostgreSQL's is one of `pg_dump`, in its custom format. Ends with 1 where no
    backup was made.

    Parameters
    ----------
    file
        The file to make. One that is there is left alone.
    """
    settings = load_settings_unsigned(database_url)
    with _told_plainly(json=json):
        if settings.sqlite_path is not None:
            _back_up_file(settings.sqlite_path, file)
        else:
            from ordercast.db.postgresql.backup import back_up as dump  # noqa: PLC0415 - its driver is an extra

            with _progress(file, "written"):
                dump(settings.store_url, file)
    size = file.stat().st_size
    _tell(
        {"backup": str(file), "bytes": size, "database": settings.shown_database_url},
        f"{settings.shown_database_url} was copied to {file} ({_megabytes(size)}).",
        json=json,
    )


def restore(
    file: Path,
    *,
    replace: Annotated[
        bool,
        Parameter(help="SQLite: put it in the place of a shop that is there, of which a copy is kept.", negative=""),
    ] = False,
    json: Json = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a backup the shop's database, at the newest schema. Clients fetch the state anew, by a new epoch.

    It happens whole or not at all. PostgreSQL's database must have no tables of ours; SQLite's file may be that of a
    running shop. Ends with 1 where nothing was restored.

    Parameters
    ----------
    file
        What `ordercast backup` has made.
    """
    settings = load_settings_unsigned(database_url)
    saved = None
    with _told_plainly(json=json):
        if not file.is_file():
            raise BackupRefused(f"there is no file {file}")
        if settings.sqlite_path is not None:
            from ordercast.db.sqlite.backup import restore as restore_file  # noqa: PLC0415 - as in `backup`

            saved = restore_file(file, settings.sqlite_path, replace=replace)
        else:
            from ordercast.db.postgresql.backup import restore as load  # noqa: PLC0415 - as in `backup`

            load(file, settings.store_url)
    _tell(
        {"restored": str(file), "database": settings.shown_database_url, "replaced": saved and str(saved)},
        f"{settings.shown_database_url} is as it was in {file}."
        + (f"\nWhat it was before is in {saved}." if saved else ""),
        json=json,
    )


def _back_up_file(database: Path, file: Path) -> None:
    from ordercast.db.sqlite.backup import back_up  # noqa: PLC0415 - as in `backup`

    if not database.is_file():
        raise BackupRefused(f"there is no file {database}")
    total: list[int] = []
    with _progress(file, "of", total):
        back_up(database, file, total.append)


@contextmanager
def _progress(file: Path, word: str, total: list[int] | None = None) -> Iterator[None]:
    """Show at a terminal how much of the draft of `file` is written, until it is done."""
    done = threading.Event()

    def show() -> None:
        while not done.wait(_SHOWN_EVERY_S):
            written = sum(path.stat().st_size for path in file.parent.glob(f".{file.name}.*.part"))
            whole = f" {_megabytes(total[0])}" if total else ""
            print(f"\r{_megabytes(written)} {word}{whole}   ", end="", file=sys.stderr, flush=True)

    watcher = threading.Thread(target=show, daemon=True)
    if sys.stderr.isatty():
        watcher.start()
    try:
        yield
    finally:
        done.set()
        if watcher.ident is not None:
            watcher.join()
            print("\r", end="", file=sys.stderr)


@contextmanager
def _told_plainly(*, json: bool) -> Iterator[None]:
    try:
        yield
    except BackupRefused as error:
        if json:
            _tell({"error": str(error)}, "", json=True)
        print(f"ordercast: {error}.", file=sys.stderr)
        sys.exit(REFUSED)


def _tell(outcome: dict[str, object], sentence: str, *, json: bool) -> None:
    print(msgspec.json.encode(outcome).decode() if json else sentence)


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f} MB"
