"""Numbers the feed on PostgreSQL, where transactions commit in another order than they write.

Theory of operation. Each row is numbered after its commit, by one sequencer at a time, so numbers have no gaps, and
none appears below one already seen. Rows that become visible together are numbered in insertion order: two changes of
one order keep their order, as the second could not be written before the first was committed.

The node that holds an advisory lock is the sequencer and *leads*: it runs the shop's jobs too. The lock ends with its
session, and the server ends a session that is silent for LEASE_MS: killed, stopped or cut off. A leader that gets no
answer for LEAD_SILENT_S_MAX stops leading, as another node may have taken over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import psycopg

from ordercast.db.postgresql.functions import RAW_CHANNEL
from ordercast.db.postgresql.reconnecting import ReconnectingConnection

FEED_CHANNEL: Final = "ordercast_feed"
# "ordercast" on a phone's keys; one shop per database, so one lock.
LOCK: Final = 673_372_278
# Maximum silence of the sequencer, which speaks several times as often. Takeover needs this and one look.
LEASE_MS: Final = 1_200
# After so long without an answer a node stops leading: another may have taken over.
LEAD_SILENT_S_MAX: Final = 3.0
# Poll interval, for lost notifications.
LOOK_EVERY_S: Final = 0.25
AT_ONCE_MAX: Final = 5_000

# The newest number is stored apart from the rows, which might be deleted: none is used twice.
_BEGIN: Final = """
INSERT INTO meta (name, value) SELECT 'feed_newest', coalesce(max(seq), 0)::text FROM feed ON CONFLICT DO NOTHING
"""
_NUMBER: Final = """
WITH unnumbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n
    FROM (SELECT id FROM feed WHERE seq IS NULL ORDER BY id LIMIT %(limit)s) AS oldest),
  newest AS (
    SELECT greatest(coalesce((SELECT max(seq) FROM feed), 0),
      (SELECT value::bigint FROM meta WHERE name = 'feed_newest' AND value ~ '^[0-9]{1,18}$')) AS seq),
  numbered AS (
    UPDATE feed SET seq = newest.seq + unnumbered.n FROM newest, unnumbered WHERE feed.id = unnumbered.id
    RETURNING feed.seq),
  kept AS (
    UPDATE meta SET value = (SELECT max(seq) FROM numbered)::text
    WHERE name = 'feed_newest' AND EXISTS (SELECT 1 FROM numbered))
SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify(%(channel)s, '') END FROM numbered
"""

log = logging.getLogger("ordercast.db")


class Sequencer(ReconnectingConnection):
    """Waits for the lock, and numbers commits while it has it."""

    def __init__(self, url: str, changed: Callable[[], None]) -> None:
        """`changed` is called on the thread when this node starts or stops leading."""
        super().__init__(url, name="sequencer", options=f"-c idle_session_timeout={LEASE_MS}")
        self._changed = changed
        self._has_lock = False

    def __repr__(self) -> str:
        return f"<Sequencer {'leads' if self.leads else 'waits'}>"

    @property
    def leads(self) -> bool:
        return self._has_lock and time.monotonic() - self.answered_at < LEAD_SILENT_S_MAX

    # --- On the thread ----------------------------------------------------------------------------------------------

    def serve(self, connection: psycopg.Connection) -> None:
        self.ask(connection, f"LISTEN {RAW_CHANNEL}")
        while not self.is_stopping:
            if not self._has_lock and not self._take(connection):
                self.pause(LOOK_EVERY_S)
            elif self._number(connection) < AT_ONCE_MAX:
                self.wait(connection, LOOK_EVERY_S)

    def lost(self) -> None:
        self._lead(False)

    def _take(self, connection: psycopg.Connection) -> bool:
        ((taken,),) = self.ask(connection, f"SELECT pg_try_advisory_lock({LOCK})")
        if taken:
            self.ask(connection, _BEGIN)
            self._lead(True)
        return bool(taken)

    def _number(self, connection: psycopg.Connection) -> int:
        ((count, _),) = self.ask(connection, _NUMBER, {"limit": AT_ONCE_MAX, "channel": FEED_CHANNEL})
        return int(count)

    def _lead(self, leads: bool) -> None:
        if leads != self._has_lock:
            self._has_lock = leads
            log.info("this node %s", "leads: it numbers the feed" if leads else "leads no more")
            self._changed()
