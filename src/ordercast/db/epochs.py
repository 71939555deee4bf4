"""Which history a database is in: restored from a copy, it is another one, and its numbers mean other rows.

A PostgreSQL database is known again by its cluster, the cluster's timeline (another after a recovery to a point in
time, or a failover), the database's own number, and that of its feed table (another after a dump was read in).
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from . import meta
from .transaction import Transaction

if TYPE_CHECKING:
    import psycopg

_INCARNATION: Final = """
SELECT concat_ws(':', (SELECT system_identifier FROM pg_control_system()),
  substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8),
  (SELECT oid FROM pg_database WHERE datname = current_database()), 'feed'::regclass::oid)
"""
_KNOWN: Final = """
SELECT (SELECT value FROM meta WHERE name = 'epoch'), (SELECT value FROM meta WHERE name = 'incarnation')
"""
_LOCKED: Final = "SELECT value FROM meta WHERE name = 'epoch' FOR UPDATE"
_REMEMBER: Final = """
INSERT INTO meta (name, value) VALUES ('incarnation', %(incarnation)s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
# There may be no row of it, or one that no position could name.
_RENEW: Final = """
INSERT INTO meta (name, value) VALUES ('epoch', %(epoch)s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.value = %(former)s
"""
_FORM: Final = re.compile(r"[0-9a-z]{1,32}")
_ROW: Final = """
SELECT (SELECT max(seq) FROM feed), (SELECT entity_id || ' ' || at FROM feed WHERE seq = %(seq)s)
"""
_EPOCH_BYTES: Final = 8

log = logging.getLogger("ordercast.db")


def new_epoch() -> str:
    return secrets.token_hex(_EPOCH_BYTES)


def is_epoch(value: object) -> bool:
    """Whether a position can name it; another program may have written anything."""
    return isinstance(value, str) and _FORM.fullmatch(value) is not None


def begin_epoch(transaction: Transaction) -> str:
    """Begin a new epoch, where an operator knows what cannot be seen from here."""
    epoch = new_epoch()
    transaction.run(meta.KEEP, name="epoch", value=epoch)
    return epoch


class History(NamedTuple):
    """What a PostgreSQL database is in: the epoch of its positions, and which database it is."""

    epoch: str
    incarnation: str


def history_of(connection: psycopg.Connection) -> History:
    """The epoch that positions are counted in; a new one where the database is not the one that bore the last."""
    row = connection.execute(_INCARNATION).fetchone()
    assert row is not None
    incarnation = row[0]
    epoch, known = _known(connection)
    if known == incarnation and is_epoch(epoch):
        return History(epoch, incarnation)
    with connection.transaction():
        connection.execute(_LOCKED)
        epoch, known = _known(connection)
        if not is_epoch(epoch):
            log.warning("the database's epoch cannot be read: positions begin anew")
            epoch = renew_epoch(connection, epoch)
        if known not in {None, incarnation}:
            log.warning("the database was restored from a copy, or a standby took over: positions begin anew")
            epoch = renew_epoch(connection, epoch)
        connection.execute(_REMEMBER, {"incarnation": incarnation})
    return History(epoch, incarnation)


def has_gone_back(connection: psycopg.Connection, seq: int, mark: str | None) -> bool:
    """Whether the feed ends before a row that was read of it, or has another one in its place."""
    row = connection.execute(_ROW, {"seq": seq}).fetchone()
    assert row is not None
    newest, found = row
    return (newest or 0) < seq or (found is not None and mark is not None and found != mark)


def renew_epoch(connection: psycopg.Connection, former: str) -> str:
    """Begin a new epoch, unless another node has done so already."""
    connection.execute(_RENEW, {"epoch": new_epoch(), "former": former})
    return _known(connection)[0]


def _known(connection: psycopg.Connection) -> tuple[str, str | None]:
    row = connection.execute(_KNOWN).fetchone()
    assert row is not None
    return row[0] or "", row[1]
