"""Epochs: identify a database's history. After a restore it is another history, whose numbers mean other rows.

A PostgreSQL database is identified by its cluster, the cluster's timeline (new after point-in-time recovery or
failover), the database's oid, and its feed table's oid (new after a dump was loaded).
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
# The row may be missing, or damaged.
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
    """Whether it is a valid epoch; another program may have written anything."""
    return isinstance(value, str) and _FORM.fullmatch(value) is not None


def begin_epoch(transaction: Transaction) -> str:
    """Begin a new epoch, by an operator's request."""
    epoch = new_epoch()
    transaction.run(meta.KEEP, name="epoch", value=epoch)
    return epoch


class History(NamedTuple):
    """The history of a PostgreSQL database: its epoch, and its identity."""

    epoch: str
    incarnation: str


def history_of(connection: psycopg.Connection) -> History:
    """The database's history; a new epoch if its identity differs from the last."""
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
            log.warning("the database's epoch is damaged: a new one begins, and clients reload")
            epoch = renew_epoch(connection, epoch)
        if known not in {None, incarnation}:
            log.warning(
                "the database was restored from a copy, or a standby took over: a new epoch begins, and clients reload"
            )
            epoch = renew_epoch(connection, epoch)
        connection.execute(_REMEMBER, {"incarnation": incarnation})
    return History(epoch, incarnation)


def has_gone_back(connection: psycopg.Connection, seq: int, mark: str | None) -> bool:
    """Whether the feed lost a row that was read, or has another in its place."""
    row = connection.execute(_ROW, {"seq": seq}).fetchone()
    assert row is not None
    newest, found = row
    return (newest or 0) < seq or (found is not None and mark is not None and found != mark)


def renew_epoch(connection: psycopg.Connection, former: str) -> str:
    """Begin a new epoch, unless another node did already."""
    connection.execute(_RENEW, {"epoch": new_epoch(), "former": former})
    return _known(connection)[0]


def _known(connection: psycopg.Connection) -> tuple[str, str | None]:
    row = connection.execute(_KNOWN).fetchone()
    assert row is not None
    return row[0] or "", row[1]
