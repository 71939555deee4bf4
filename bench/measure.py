"""How a workload is measured: servers take turns, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from .buyers import SECRET, Buyers, Pace
from .contender import SHOPS, SQLITE, Contender, run, run_shop
from .swarm import ServerFailedError, Swarm
from .workloads import Workload

IDLE_CLIENTS_FIRST, IDLE_CLIENTS = 1_000, 4_000
IDLE_WAIT_S = 2.0
PACE_ADMINS, PACE_ORDERS_PER_S, PACE_S = 100, 100, 5.0
FDS_SPARE = 300


@dataclass(slots=True)
class Result:
    """What one server showed in one workload; one entry per sample in each list."""

    workload: str
    server: str
    unit: str
    values: list[float] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)
    """Messages per second of wall time, as this generator paced them; no measure of what the server could bear."""
    generator_share: list[float] = field(default_factory=list)
    """Of its core; near 1, the generator sets the pace."""
    others_share: list[float] = field(default_factory=list)
    """Of the machine, taken by other processes meanwhile: the noise."""
    database: list[float] = field(default_factory=list)
    """As `values`, of the database server; empty where there is none."""

    @property
    def value(self) -> float:
        return median(self.values)


def raise_fd_limit() -> int:
    """Allow this process and its children as many descriptors as they may have; gives the number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def measure(workload: Workload, names: list[str], samples: int, databases: Sequence[str] = (SQLITE,)) -> list[Result]:
    """Measure each server, whole shops on each database; `samples` each, after one that is thrown away."""
    if workload.recovers or workload.shop:
        names = [name for name in names if name in SHOPS]
    rivals = _on_each(databases, names) if workload.shop else [(name, SQLITE) for name in names]
    fds = workload.clients * len(rivals) + FDS_SPARE
    if workload.alone or fds > raise_fd_limit():
        return [result for rival in rivals for result in _take_turns(workload, [rival], samples)]
    return _take_turns(workload, rivals, samples)


Rival = tuple[str, str]
"""A server, and the database that it is on where it is a whole shop."""


def _on_each(databases: Sequence[str], names: Iterable[str]) -> list[Rival]:
    return [(name, database) for database in databases for name in names]


def _label(rival: Rival) -> str:
    name, database = rival
    return name if database == SQLITE else f"{name} {database}"


def _take_turns(workload: Workload, rivals: list[Rival], samples: int) -> list[Result]:
    results = [Result(workload.name, _label(rival), workload.unit) for rival in rivals]
    with contextlib.ExitStack() as stack:
        ready = [stack.enter_context(_connected(workload, rival)) for rival in rivals]
        for turn in range(samples + 1):
            for result, (contender, swarm) in zip(results, ready, strict=True):
                _sample(workload, contender, swarm, result if turn else Result("warm-up", "", ""))
    return results


@contextlib.contextmanager
def _connected(workload: Workload, rival: Rival) -> Iterator[tuple[Contender, Swarm]]:
    with _running(workload, rival) as contender:
        swarm = workload.swarm(contender.port)
        try:
            swarm.connect(workload.clients)
            workload.prepare(swarm)
            yield contender, swarm
        except (ServerFailedError, OSError) as error:
            raise ServerFailedError(f"{contender.name}: {error}") from error
        finally:
            swarm.close()


def _running(workload: Workload, rival: Rival) -> contextlib.AbstractContextManager[Contender]:
    name, database = rival
    if workload.shop:
        return run_shop(name, SECRET, database, workload.node_shop)
    intervals = {"ping_interval_ms": workload.ping_interval_ms, "ping_timeout_ms": workload.ping_timeout_ms}
    return run(name, **intervals, recovers=workload.recovers)


def _sample(workload: Workload, contender: Contender, swarm: Swarm, result: Result) -> None:
    if not workload.alone:
        contender.settle()
    busy_s, own_s, wall_s = _machine_busy_s(), time.process_time(), time.monotonic()
    database_s, cpu_s = contender.database_cpu_s(), contender.cpu_s()
    messages = workload.sample(swarm)
    cpu_s, database_s = contender.cpu_s() - cpu_s, contender.database_cpu_s() - database_s
    wall_s, own_s, busy_s = time.monotonic() - wall_s, time.process_time() - own_s, _machine_busy_s() - busy_s
    swarm.keep(workload.clients)
    result.values.append(cpu_s / messages * 1e6)
    if contender.postgres is not None:
        result.database.append(database_s / messages * 1e6)
    result.per_s.append(messages / wall_s)
    result.generator_share.append(own_s / wall_s)
    result.others_share.append(max(0.0, busy_s - own_s - cpu_s - database_s) / wall_s / (os.cpu_count() or 1))


def _machine_busy_s() -> float:
    """CPU time that all processes have used, in seconds (proc(5): user, nice, system; then irq, softirq, steal)."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def measure_idle(names: list[str]) -> list[Result]:
    """What one more idle client costs in memory, once the first thousand have made the server's heap grow."""
    results = []
    for name in names:
        with run(name, ping_interval_ms=25_000, ping_timeout_ms=20_000) as contender:
            swarm = Swarm(contender.port)
            swarm.connect(IDLE_CLIENTS_FIRST)
            before = _rested_rss_bytes(contender)
            swarm.connect(IDLE_CLIENTS)
            kilobytes = (_rested_rss_bytes(contender) - before) / 1024
            swarm.close()
        results.append(Result("idle", name, "KB/client", [kilobytes / IDLE_CLIENTS]))
    return results


def measure_pace(names: list[str], samples: int, databases: Sequence[str] = (SQLITE,)) -> list[Result]:
    """How soon an order is answered and heard of, at a pace that leaves each server at leisure."""
    results = []
    for rival in _on_each(databases, [name for name in names if name in SHOPS]):
        name, database = rival
        with run_shop(name, SECRET, database) as contender:
            buyers = Buyers(contender.port)
            buyers.connect(PACE_ADMINS)
            buyers.open_shop()
            paces = [buyers.buy_steadily(PACE_ORDERS_PER_S, PACE_S) for _ in range(samples + 1)][1:]
            buyers.close()
        results += _percentiles(_label(rival), paces)
    return results


def _percentiles(name: str, paces: list[Pace]) -> list[Result]:
    found = []
    for what, samples in (
        ("answered", [pace.answered_s for pace in paces]),
        ("heard", [pace.heard_s for pace in paces]),
        ("behind", [pace.behind_s for pace in paces]),
    ):
        for percent in (50, 99):
            values = [1000 * quantiles(sample, n=100)[percent - 1] for sample in samples]
            found.append(Result("order_pace", f"{name} {what} {percent}%", "ms", values))
    return found


def _rested_rss_bytes(contender: Contender) -> int:
    contender.settle()
    time.sleep(IDLE_WAIT_S)
    return contender.rss_bytes()
