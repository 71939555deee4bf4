"""Numbers the feed on PostgreSQL, where transactions commit in another order than they write.

Each row gets its number after its commit, from one sequencer at a time, so that numbers come without gaps and none
appears later below one already seen. Rows that are visible together are numbered in the order in which they were
written: two changes of one order come in theirs, for the second could not be written before the first was committed.

Whichever node holds an advisory lock is the sequencer, and *leads*: it does the shop's chores too. The lock ends with
its session, and the server ends the session of one that has not spoken for LEASE_MS: killed, stopped, or cut off.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import psycopg

from ordercast.telemetry import FEED_LEADING

from .connections.postgresql import BY_INDEX, connect, interrupt

RAW_CHANNEL: Final = "ordercast_raw"
FEED_CHANNEL: Final = "ordercast_feed"
# "ordercast" on a telephone's keys; one shop to a database, so one lock.
LOCK: Final = 673_372_278
# How long a sequencer may be silent; it speaks several times as often. A node takes over within this and one look.
LEASE_MS: Final = 1_200
# Behind the notifications, for those that are lost.
LOOK_EVERY_S: Final = 0.25
AT_ONCE_MAX: Final = 5_000
RETRY_S: Final = 0.25

_NUMBER: Final = """
WITH newest AS (SELECT coalesce(max(seq), 0) AS seq FROM feed),
  unnumbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n
    FROM (SELECT id FROM feed WHERE seq IS NULL ORDER BY id LIMIT %(limit)s) AS oldest),
  numbered AS (
    UPDATE feed SET seq = newest.seq + unnumbered.n FROM newest, unnumbered WHERE feed.id = unnumbered.id RETURNING 1)
SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify(%(channel)s, '') END FROM numbered
"""

log = logging.getLogger("ordercast.db")


class Sequencer:
    """A thread that waits to be the one, and numbers what is committed for as long as it is."""

    def __init__(self, url: str, changed: Callable[[bool], None]) -> None:
        """`changed` is called on the thread when this node begins or ceases to lead."""
        self._url = url
        self._changed = changed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ordercast-sequencer", daemon=True)
        self._connection: psycopg.Connection | None = None
        self.leads = False

    def __repr__(self) -> str:
        return f"<Sequencer {'leads' if self.leads else 'waits'}>"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let another take over at once."""
        self._stopping.set()
        if self._connection is not None:
            interrupt(self._connection)
        if self._thread.is_alive():
            self._thread.join()

    # --- On the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                options = f"-c idle_session_timeout={LEASE_MS} {BY_INDEX}"
                with connect(self._url, name="sequencer", options=options) as connection:
                    self._connection = connection
                    self._serve(connection)
            except psycopg.Error as error:
                if self.leads and not self._stopping.is_set():
                    log.warning("the feed is not numbered by this node any more: %s", error)
            except Exception:
                log.exception("the sequencer failed; trying again")
            finally:
                self._connection = None
                self._lead(False)
            self._stopping.wait(RETRY_S)

    def _serve(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {RAW_CHANNEL}")
        while not self._stopping.is_set():
            if not self.leads and not self._take(connection):
                self._stopping.wait(LOOK_EVERY_S)
            elif self._number(connection) < AT_ONCE_MAX:
                self._wait(connection)

    def _take(self, connection: psycopg.Connection) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if row is not None and row[0]:
            self._lead(True)
        return self.leads

    def _number(self, connection: psycopg.Connection) -> int:
        row = connection.execute(_NUMBER, {"limit": AT_ONCE_MAX, "channel": FEED_CHANNEL}).fetchone()
        return 0 if row is None else int(row[0])

    @staticmethod
    def _wait(connection: psycopg.Connection) -> None:
        for _ in connection.notifies(timeout=LOOK_EVERY_S, stop_after=1):
            pass

    def _lead(self, leads: bool) -> None:
        if leads != self.leads:
            self.leads = leads
            FEED_LEADING.set(leads)
            log.info("this node %s", "leads: it numbers the feed" if leads else "leads no more")
            self._changed(leads)
