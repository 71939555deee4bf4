"""Several nodes on one PostgreSQL: what an order costs, how soon another takes over, and ten thousand who come back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Final

from tests.postgres import Postgres, running_postgres

from ordercast.api import issue_token

from . import outsider
from .buyers import SECRET, Buyers
from .contender import POSTGRESQL, Contender, kill_node, prepare_shop, run_node, shop_environ
from .measure import Result
from .processes import rss_bytes, rss_bytes_max
from .returners import Returners

ADMINS: Final = 50
BUYING_S: Final = 2.0
TAKEOVER_S: Final = 5.0
RETURNERS: Final = 10_000
MISSED: Final = 100
# Whose connections may be under way at a time; the server's queue of them is as long.
AT_ONCE: Final = 4_000
# Told by each node in its own time, and so not the same to all admins.
NO_STATS: Final = {"ORDERCAST_STATS_EVERY_MS": "3600000"}
ABOUT: Final = f"nodes on one PostgreSQL, {ADMINS} admins on each; {RETURNERS:,} clients who missed {MISSED} events"


def measure(databases: Sequence[str], samples: int) -> list[Result]:
    """Nothing on SQLite, which has one node."""
    if POSTGRESQL not in databases:
        return []
    figures = _Figures()
    with running_postgres() as postgres:
        for _ in range(samples):
            environ = shop_environ(postgres.url(postgres.new_database()), SECRET) | NO_STATS
            prepare_shop(environ)
            _buy(figures, environ, postgres, nodes=1)
            _buy(figures, environ, postgres, nodes=2)
            _take_over(figures, environ, postgres, signal.SIGKILL)
            _take_over(figures, environ, postgres, signal.SIGSTOP)
        environ = shop_environ(postgres.url(postgres.new_database()), SECRET) | NO_STATS
        prepare_shop(environ)
        _come_back(figures, environ, postgres)
    return figures.results


class _Figures:
    def __init__(self) -> None:
        self.results: list[Result] = []

    def add(self, what: str, value: float, unit: str) -> None:
        for result in self.results:
            if result.server == what:
                result.values.append(value)
                return
        self.results.append(Result("nodes", what, unit, [value]))


# --- Orders -----------------------------------------------------------------------------------------------------------


class _Crowd(Buyers):
    """Buyers and admins who go to one node after another."""

    def __init__(self, nodes: Sequence[Contender]) -> None:
        super().__init__(nodes[0].port)
        self._ports = [node.port for node in nodes]

    def _next_port(self) -> int:
        self._ports.append(self._ports.pop(0))
        return self._ports[-1]


def _buy(figures: _Figures, environ: dict[str, str], postgres: Postgres, *, nodes: int) -> None:
    with ExitStack() as stack:
        running = [stack.enter_context(run_node(environ, postgres)) for _ in range(nodes)]
        crowd = stack.enter_context(closing(_Crowd(running)))
        crowd.connect(ADMINS * nodes)
        crowd.open_shop()
        crowd.buy(0.5)
        nodes_s, database_s, begin_s = _cpu_s(running), running[0].database_cpu_s(), time.monotonic()
        orders = crowd.buy(BUYING_S)
        label = f"{nodes} node{'s' if nodes > 1 else ''}"
        figures.add(f"{label}, pace", orders / (time.monotonic() - begin_s), "orders/s")
        figures.add(f"{label}, CPU of the nodes", 1e6 * (_cpu_s(running) - nodes_s) / orders, "us/order")
        database_s = running[0].database_cpu_s() - database_s
        figures.add(f"{label}, CPU of PostgreSQL", 1e6 * database_s / orders, "us/order")


def _cpu_s(nodes: Sequence[Contender]) -> float:
    return sum(node.cpu_s() for node in nodes)


# --- Who takes over ---------------------------------------------------------------------------------------------------


def _take_over(figures: _Figures, environ: dict[str, str], postgres: Postgres, by: signal.Signals) -> None:
    """End the node that numbers while orders are written by SQL: the longest that an admin of the other waited."""
    with ExitStack() as stack:
        leading = stack.enter_context(run_node(environ, postgres))
        time.sleep(0.5)
        other = stack.enter_context(run_node(environ, postgres))
        admins = stack.enter_context(closing(Buyers(other.port)))
        admins.connect(ADMINS)
        admins.open_shop()
        admins.listen()
        program = outsider.Outsider(environ["ORDERCAST_DATABASE_URL"], outsider.ORDERS, 100, TAKEOVER_S)
        admins.hear_for(TAKEOVER_S / 2 + 1)
        os.kill(leading.pid, by)
        while program.is_writing():
            admins.hear_for(0.05)
        commits = program.commits()
        waited_s = max(at_s - commits[id_] for id_, at_s in admins.heard_out(commits))
        figures.add(f"the leading node ends by {by.name}: longest wait for an order", 1000 * waited_s, "ms")
        if by is signal.SIGSTOP:
            os.kill(leading.pid, signal.SIGCONT)


# --- All at once ------------------------------------------------------------------------------------------------------


class _Staff(Returners):
    """Returners who are of the staff, and of whom all but one come back at once."""

    opening_max = AT_ONCE

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.auth = {"token": issue_token(SECRET, "store", "usr_bench", 24 * 3600)}


def _come_back(figures: _Figures, environ: dict[str, str], postgres: Postgres) -> None:
    with ExitStack() as stack:
        node = stack.enter_context(run_node(environ, postgres))
        staff = stack.enter_context(closing(_Staff(node.port)))
        staff.connect(RETURNERS)
        _publish(environ, 1)
        staff.await_messages(RETURNERS)
        held = rss_bytes(node.pid)
        node.settle()
        kill_node(node)
        staff.lose_all()
        _publish(environ, MISSED)
        again = stack.enter_context(run_node(environ, postgres, node.port))
        again.settle()
        before = rss_bytes(again.pid)
        server_s, database_s = again.cpu_s(), again.database_cpu_s()
        own_s, begin_s = time.process_time(), time.monotonic()
        staff.come_back(MISSED)
        wall_s, own_s = time.monotonic() - begin_s, time.process_time() - own_s
        figures.add("all back, each with all that it missed", wall_s, "s")
        figures.add("  in which the generator took of its core", 100 * own_s / wall_s, "%")
        figures.add("CPU of the node", 1e6 * (again.cpu_s() - server_s) / RETURNERS, "us/client")
        figures.add("CPU of PostgreSQL", 1e6 * (again.database_cpu_s() - database_s) / RETURNERS, "us/client")
        figures.add("memory before", before / 2**20, "MB")
        figures.add("memory at its most", rss_bytes_max(again.pid) / 2**20, "MB")
        figures.add("memory with as many who came for the first time", held / 2**20, "MB")


def _publish(environ: dict[str, str], events: int) -> None:
    connection = outsider.connect(environ["ORDERCAST_DATABASE_URL"])
    with closing(connection), outsider.committed(connection) as cursor:
        outsider.add_events(cursor, [str(n) for n in range(events)])
