"""The position of a history in a file, by which it is recognized; whether the file is a shop of ours."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from ordercast.db.epochs import new_epoch
from ordercast.db.migrate import NEWEST
from ordercast.db.sqlite.connection import connect
from ordercast.db.sqlite.leases import FileLost

_POSITION: Final = """
SELECT (SELECT value FROM meta WHERE name = 'epoch'),
  (SELECT CAST(entity_id || ' ' || at AS BLOB) FROM feed WHERE seq = :seq), newest.seq, newest.mark
FROM (SELECT 1) LEFT JOIN
  (SELECT seq, CAST(entity_id || ' ' || at AS BLOB) AS mark FROM feed ORDER BY seq DESC LIMIT 1) AS newest
"""
KEEP_EPOCH: Final = """
INSERT INTO meta (name, value) VALUES ('epoch', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


class HistoryPosition(NamedTuple):
    """How far a history had come: a later look at the same one finds the same row, and no lower number."""

    epoch: str
    seq: int
    mark: bytes | None
    """Of the row of that number; None where it is not known."""


class CurrentPosition(NamedTuple):
    epoch: str
    former: bytes | None
    """The mark that the row has whose number was asked for."""
    seq: int
    mark: bytes | None


def position_of(connection: sqlite3.Connection, seq: int) -> CurrentPosition:
    epoch, former, newest, mark = connection.execute(_POSITION, {"seq": seq}).fetchone()
    return CurrentPosition(str(epoch), former, newest or 0, mark)


def continues(known: HistoryPosition, told: int, found: CurrentPosition) -> bool:
    if found.epoch != known.epoch or found.seq < max(known.seq, told):
        return False
    return found.former is None or known.mark is None or found.former == known.mark


def require_ours(path: Path, connection: sqlite3.Connection) -> None:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        raise FileLost(f"{path.name} is no shop's database ({error})") from error
    if row is None or row[0] != NEWEST:
        is_of = "of no revision" if row is None else f"of revision {row[0]}, not {NEWEST}"
        raise FileLost(f"{path.name} is a shop's database {is_of}; it is brought to that by a start of the server")


def begin_epoch_of(path: Path) -> str:
    """Begin a new epoch in the file, as an operator asks for. A node that has it open finds that its history ended."""
    epoch = new_epoch()
    with closing(connect(path)) as connection:
        require_ours(path, connection)
        connection.execute(KEEP_EPOCH, (epoch,))
    return epoch
