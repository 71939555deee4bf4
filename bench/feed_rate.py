"""How many rows a second the feed of PostgreSQL carries: numbered, read, and told to a socket that listens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Final

import psycopg
from tests.postgres import Postgres, running_postgres

from ordercast.db.postgresql.connection import PostgresqlConnector
from ordercast.db.postgresql.sequencer import LOCK, Sequencer
from ordercast.db.postgresql.tailer import TailedRows, Tailer

from . import outsider
from .buyers import SECRET, Buyers
from .contender import POSTGRESQL as ON_POSTGRESQL
from .contender import Contender, prepare_shop, run_node, shop_environ
from .measure import Result
from .processes import family_cpu_s
from .swarm import READ_BYTES

WRITERS: Final = 2
WRITING_S: Final = 4.0
PATIENCE_S: Final = 25.0
LOOK_S: Final = 0.005
EVENT: Final = b'["newOrder",'
ABOUT: Final = "rows of 1.4 kB, a whole order each, through the feed of PostgreSQL; written in groups of 64"


def measure(databases: Sequence[str], samples: int) -> list[Result]:
    """Nothing on SQLite, whose feed has neither sequencer nor tailer."""
    if ON_POSTGRESQL not in databases:
        return []
    figures = _Figures()
    with running_postgres() as postgres:
        for _ in range(samples):
            environ = shop_environ(postgres.url(postgres.new_database()), SECRET)
            prepare_shop(environ)
            _alone(figures, postgres, environ["ORDERCAST_DATABASE_URL"])
            _told_at_once(figures, environ, postgres)
    return figures.results


class _Figures:
    def __init__(self) -> None:
        self.results: list[Result] = []

    def add(self, what: str, value: float, unit: str = "rows/s") -> None:
        for result in self.results:
            if result.server == what:
                result.values.append(value)
                return
        self.results.append(Result("feed_rate", what, unit, [value]))


# --- The parts --------------------------------------------------------------------------------------------------------


def _alone(figures: _Figures, postgres: Postgres, url: str) -> None:
    """Write, then number, then read: each while the others rest."""
    follower = _Follower(url)
    first_seq = follower.last_seq
    with _nobody_numbers(url):
        rows = _written(url)
        figures.add(f"written by {WRITERS} connections", rows / WRITING_S)
    sequencer, begin_s = Sequencer(url, lambda: None), time.monotonic()
    sequencer.start()
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        _until(lambda: _last_seq(connection) >= first_seq + rows)
    figures.add("numbered by the sequencer", rows / (time.monotonic() - begin_s))
    sequencer.stop()
    database_s, own_s, begin_s, held = family_cpu_s(postgres.pid), time.process_time(), time.monotonic(), follower.rows
    follower.go_on()
    _until(lambda: follower.rows >= rows)
    wall_s, rows = time.monotonic() - begin_s, follower.rows - held
    figures.add("read by the tailer", rows / wall_s)
    figures.add("read by the tailer, Python", 1e6 * (time.process_time() - own_s) / rows, "us/row")
    figures.add("read by the tailer, PostgreSQL", 1e6 * (family_cpu_s(postgres.pid) - database_s) / rows, "us/row")
    follower.stop()


class _Follower:
    """A tailer whose rows are counted, and which stops where it may read ahead no further until it is told to go on."""

    def __init__(self, url: str) -> None:
        self.rows = 0
        self._goes_on = False
        self._tailer = Tailer(url, self._see, PostgresqlConnector(url))
        self.last_seq = self._tailer.begin(0).last_seq

    def _see(self, seen: TailedRows) -> None:
        self.rows += len(seen.rows)
        self.last_seq = seen.last_seq
        if self._goes_on:
            self._tailer.taken(self.last_seq)

    def go_on(self) -> None:
        self._goes_on = True
        self._tailer.taken(self.last_seq)

    def stop(self) -> None:
        self._tailer.stop()


@contextmanager
def _nobody_numbers(url: str) -> Iterator[None]:
    """Hold the lock of the one who numbers, once it is to be had."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        yield


def _last_seq(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT max(seq) FROM feed").fetchone()
    return (row[0] or 0) if row is not None else 0


# --- All of it --------------------------------------------------------------------------------------------------------


def _told_at_once(figures: _Figures, environ: dict[str, str], postgres: Postgres) -> None:
    """What was written while nobody numbered: the node is held back by nobody but itself."""
    url = environ["ORDERCAST_DATABASE_URL"]
    with ExitStack() as stack:
        with _nobody_numbers(url):
            node = stack.enter_context(run_node(environ, postgres))
            admin = stack.enter_context(closing(_Admin(node.port)))
            admin.enter()
            rows = _written(url)
            node.settle()
            server_s, database_s = node.cpu_s(), node.database_cpu_s()
        admin.hear_until(1)
        begin_s = time.monotonic()
        admin.hear_until(rows)
        figures.add("told to a socket, of a backlog", rows / (time.monotonic() - begin_s))
        figures.add("told to a socket, node", 1e6 * (node.cpu_s() - server_s) / rows, "us/row")
        figures.add("told to a socket, PostgreSQL", 1e6 * (node.database_cpu_s() - database_s) / rows, "us/row")
        _told_meanwhile(figures, node, admin)


def _told_meanwhile(figures: _Figures, node: Contender, admin: _Admin) -> None:
    admin.heard, begin_s = 0, time.monotonic()
    programs = _writing(node.url)
    while any(program.is_writing() for program in programs):
        admin.hear(LOOK_S)
    rows = sum(program.count() for program in programs)
    admin.hear_until(rows)
    figures.add("told to a socket, while they are written", rows / (time.monotonic() - begin_s))


class _Admin(Buyers):
    """One that counts what it hears, at little cost."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.heard = 0
        self._rest = b""

    def enter(self) -> None:
        self.connect(1)
        self.open_shop()
        self.heard = 0

    def hear(self, wait_s: float) -> None:
        for fd, _ in self._epoll.poll(wait_s):
            data = self._rest + os.read(fd, READ_BYTES)
            self.heard += data.count(EVENT)
            self._rest = data[1 - len(EVENT) :]

    def hear_until(self, rows: int) -> None:
        while self.heard < rows:
            self.hear(PATIENCE_S)


def _writing(url: str) -> list[outsider.Outsider]:
    return [outsider.Outsider(url, outsider.FEED, 0, WRITING_S) for _ in range(WRITERS)]


def _written(url: str) -> int:
    return sum(program.count() for program in _writing(url))


def _until(is_done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_done():
        if time.monotonic() > end_s:
            raise RuntimeError("it took too long")
        time.sleep(LOOK_S)
