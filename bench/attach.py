"""What `ordercast attach` costs another program's shop, how soon its commits are heard, and what is lost without it."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import psycopg

from ordercast.api import issue_token

from . import attach_losses, attach_mariadb, frames, outsider
from .attached_shop import AttachedShop, OrderWriter, make_shop
from .buyers import SECRET
from .contender import POSTGRESQL, Contender, database_for, run_node, shop_environ
from .measure import Result
from .processes import cpu_s
from .swarm import Swarm

ABOUT: Final = "another program's shop on Prisma's tables, with Ordercast attached and without"
WITHOUT, WITH = "without us", "with us"
# Of each sample: with and without take turns in small groups, so that what else the machine does falls on both.
GROUPS: Final = 20
GROUP: Final = 25
ADMINS: Final = 10
PACES: Final = (100, 1_000)
SECONDS: Final = 4.0
_ID: Final = re.compile(rb'"id" ?: ?"(ord_[^"]+)"')


def measure(databases: Sequence[str], samples: int) -> list[Result]:
    """The writers' cost first, with no node at work; then a node, and a program that writes at a pace."""
    found = []
    for database in databases:
        with database_for(database) as (url, postgres), tempfile.TemporaryDirectory() as folder:
            urls = _two(url, postgres)
            shops = {
                what: make_shop(urls[what], Path(folder) / what, is_attached=what == WITH) for what in (WITHOUT, WITH)
            }
            found += _costs(database, shops, samples)
            found += _lags(database, shops[WITH], postgres, samples)
    return [*found, *_costs_of_mariadb(samples), *attach_losses.measure()]


def _two(url: str, postgres: Any) -> dict[str, str]:
    if postgres is not None:
        return {WITHOUT: url, WITH: postgres.url(postgres.new_database())}
    return {WITHOUT: url, WITH: url.replace("shop.db", "attached.db")}


# --- The cost ---------------------------------------------------------------------------------------------------------


@dataclass
class _Writer:
    """A connection of the shop's, and what its orders cost: CPU of its session, and of the client."""

    connection: Any
    session: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)

    def session_s(self) -> float:
        if isinstance(self.connection, sqlite3.Connection):
            return 0.0
        if isinstance(self.connection, psycopg.Connection):
            return cpu_s(self.connection.info.backend_pid)
        return attach_mariadb.session_s(self.connection)

    def write(self, what: Callable[[OrderWriter, str], None], count: int, *, counts: bool) -> None:
        session_s, client_s = self.session_s(), time.process_time()
        for _ in range(count):
            with outsider.committed(self.connection) as cursor:
                what(OrderWriter(cursor), f"ord_{time.monotonic_ns()}")
        client_s, session_s = time.process_time() - client_s, self.session_s() - session_s
        if counts:
            self.session.append(1e6 * session_s / count)
            self.client.append(1e6 * client_s / count)


_ORDERS: Final[dict[str, Callable[[OrderWriter, str], None]]] = {
    "order + lines": OrderWriter.lines,
    "+ prices, customer, stock": OrderWriter.whole,
}


def _costs(database: str, shops: dict[str, AttachedShop], samples: int) -> list[Result]:
    found = []
    for name, what in _ORDERS.items():
        for how in ("prepared", "as text") if database == POSTGRESQL else ("prepared",):
            with contextlib.ExitStack() as stack:
                writers = {
                    which: _Writer(stack.enter_context(_connection(shop.url, how))) for which, shop in shops.items()
                }
                label = f"{database}, {name}, {how}" if database == POSTGRESQL else f"{database}, {name}"
                found += _cost(label, writers, what, samples)
    return found


def _costs_of_mariadb(samples: int) -> list[Result]:
    found = []
    with attach_mariadb.running_shops(WITH, WITHOUT) as shops:
        for name, what in _ORDERS.items():
            with contextlib.ExitStack() as stack:
                writers = {which: _Writer(stack.enter_context(shop.connection())) for which, shop in shops.items()}
                found += _cost(f"MariaDB, {name}", writers, what, samples)
    return found


@contextlib.contextmanager
def _connection(url: str, how: str) -> Iterator[Any]:
    connection = outsider.connect(url)
    if isinstance(connection, psycopg.Connection):
        # What is not prepared is parsed and planned each time, as node-postgres has it unless it is told otherwise.
        connection.prepare_threshold = 0 if how == "prepared" else None
    with contextlib.closing(connection):
        yield connection


def _cost(
    label: str, writers: dict[str, _Writer], what: Callable[[OrderWriter, str], None], samples: int
) -> list[Result]:
    per_sample: list[dict[str, tuple[float, float]]] = []
    for sample in range(samples + 1):
        for turn in range(GROUPS):
            for writer in [*writers.values()][:: -1 if turn % 2 else 1]:
                writer.write(what, GROUP, counts=sample > 0)
        if sample:
            per_sample.append(
                {
                    which: (median(writer.session[-GROUPS:]), median(writer.client[-GROUPS:]))
                    for which, writer in writers.items()
                }
            )
    results = []
    for number, part in enumerate(("session", "client")):
        for which in writers:
            values = [each[which][number] for each in per_sample]
            if any(values):
                results.append(Result("attach", f"{label}: {part}, {which}", "us/order", values))
    is_server = any(each[WITH][0] for each in per_sample)
    if is_server:
        ratios = [each[WITH][0] / each[WITHOUT][0] for each in per_sample]
        results.append(Result("attach", f"{label}: session", "x", ratios))
    ratios = [sum(each[WITH]) / sum(each[WITHOUT]) for each in per_sample]
    return [*results, Result("attach", f"{label}: all", "x", ratios)]


# --- From the commit to the socket ------------------------------------------------------------------------------------


class _Admins(Swarm):
    """Who listens, and when each heard of which order."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        token = issue_token(SECRET, "store", "usr_bench", 24 * 3600)
        self.connect_frame = frames.frame(b"40" + json.dumps({"token": token}).encode())
        self.arrivals: list[tuple[str, float]] = []

    def hear_for(self, duration_s: float) -> None:
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            for fd, _ in self._epoll.poll(left_s):
                self._take(fd, self._read(fd), [])

    def _read(self, fd: int) -> bytes:
        data = self._sockets[fd].recv(1_000_000)
        now_s = time.monotonic()
        # An order's id stands once in its event; one that two reads share is found when its frame is whole.
        whole = self._partial.get(fd, b"") + data
        known = len(_ID.findall(self._partial.get(fd, b"")))
        self.arrivals += [(id_.decode(), now_s) for id_ in _ID.findall(whole)[known:]]
        return data

    def hear_out(self, count: int) -> None:
        end_s = time.monotonic() + 20
        while len(self.arrivals) < count and time.monotonic() < end_s:
            self.hear_for(0.1)
        if len(self.arrivals) != count:
            raise RuntimeError(f"{len(self.arrivals)} of {count} were heard")


def _lags(database: str, shop: AttachedShop, postgres: Any, samples: int) -> list[Result]:
    environ = {**shop_environ(shop.url, SECRET), **shop.environ}
    found: dict[int, list[tuple[float, float, float, float]]] = {per_s: [] for per_s in PACES}
    with run_node(environ, postgres) as node:
        admins = _Admins(node.port)
        admins.connect(ADMINS)
        admins.hear_for(2.0)  # what was written before is behind them
        for turn in range(samples + 1):
            for per_s in PACES:
                figures = _lag(node, admins, shop.url, per_s)
                if turn:
                    found[per_s].append(figures)
        admins.close()
    names = {
        "commit to socket, p50": "ms",
        "commit to socket, p99": "ms",
        "the node": "us/order",
        "PostgreSQL, writer too": "us/order",
    }
    return [
        Result("attach", f"{database}, {per_s:,} changes/s: {name}", unit, [figures[number] for figures in samples_of])
        for per_s, samples_of in found.items()
        for number, (name, unit) in enumerate(names.items())
        if any(figures[number] for figures in samples_of)
    ]


def _lag(node: Contender, admins: _Admins, url: str, per_s: int) -> tuple[float, float, float, float]:
    node.settle()
    admins.arrivals.clear()
    node_s, database_s = node.cpu_s(), node.database_cpu_s()
    program = outsider.Outsider(url, outsider.ATTACHED, per_s, SECONDS)
    while program.is_writing():
        admins.hear_for(0.05)
    commits = program.commits()
    admins.hear_out(ADMINS * len(commits))
    node_us, database_us = (
        1e6 * spent / len(commits) for spent in (node.cpu_s() - node_s, node.database_cpu_s() - database_s)
    )
    lags = quantiles([1000 * (at_s - commits[id_]) for id_, at_s in admins.arrivals], n=100)
    return lags[49], lags[98], node_us, database_us
