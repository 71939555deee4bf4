"""How soon after its commit an order is on the screens: our own orders, and those of a program with SQL alone."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Final

from . import outsider
from .buyers import SECRET, Buyers
from .contender import Contender, run_noting_shop
from .measure import Result

ADMINS: Final = 10
PACES: Final = (100, 1_000)
SECONDS: Final = 4.0
ABOUT: Final = f"milliseconds from an order's commit to each of {ADMINS} admins' having heard of it"


def measure(databases: Sequence[str], samples: int) -> list[Result]:
    """Each sample is four seconds; one before them is thrown away."""
    found = []
    for database in databases:
        with tempfile.TemporaryDirectory() as folder:
            noted = Path(folder) / "commits"
            lags = _Lags(database)
            with _staffed(database, noted) as (contender, buyers):
                for turn in range(samples + 1):
                    for per_s in PACES:
                        _through_api(lags, contender, buyers, per_s, counts=turn > 0)
                        _from_outside(lags, contender, buyers, per_s, counts=turn > 0)
            lags.settle(_read(noted))
            found += lags.results()
    return found


@contextlib.contextmanager
def _staffed(database: str, noted: Path) -> Iterator[tuple[Contender, Buyers]]:
    with run_noting_shop(SECRET, database, noted) as contender:
        buyers = Buyers(contender.port)
        buyers.connect(ADMINS)
        buyers.open_shop()
        yield contender, buyers
        buyers.close()


Arrivals = list[tuple[str, float]]


class _Lags:
    """What was heard when, until it is known when it was committed."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._lags: dict[str, list[list[float]]] = {}
        self._waiting: list[tuple[str, Arrivals]] = []
        self._cpu: dict[str, list[tuple[float, float]]] = {}

    def add(self, row: str, arrivals: Arrivals, commits: dict[str, float]) -> None:
        self._lags.setdefault(row, []).append([1000 * (at_s - commits[id_]) for id_, at_s in arrivals])

    def add_later(self, row: str, arrivals: Arrivals) -> None:
        self._waiting.append((row, arrivals))

    def settle(self, commits: dict[str, float]) -> None:
        for row, arrivals in self._waiting:
            self.add(row, arrivals, commits)

    def spend(self, row: str, server_s: float, database_s: float, orders: int) -> None:
        self._cpu.setdefault(row, []).append((1e6 * server_s / orders, 1e6 * database_s / orders))

    def results(self) -> list[Result]:
        found = []
        for row, samples in self._lags.items():
            label = f"{self._database}, {row}"
            for percent in (50, 99):
                values = [quantiles(sample, n=100)[percent - 1] for sample in samples]
                found.append(Result("feed_lag", f"{label}, p{percent}", "ms", values))
            server, database = zip(*self._cpu[row], strict=True)
            found.append(Result("feed_lag", f"{label}, server", "us/order", list(server)))
            if any(database):
                found.append(Result("feed_lag", f"{label}, PostgreSQL", "us/order", list(database)))
        return found


def _through_api(lags: _Lags, contender: Contender, buyers: Buyers, per_s: int, *, counts: bool) -> None:
    contender.settle()
    server_s, database_s = contender.cpu_s(), contender.database_cpu_s()
    pace = buyers.buy_steadily(per_s, SECONDS)
    if counts:
        row = f"{per_s:,}/s by our API"
        lags.add_later(row, pace.arrivals)
        lags.spend(row, contender.cpu_s() - server_s, contender.database_cpu_s() - database_s, len(pace.answered_s))


def _from_outside(lags: _Lags, contender: Contender, buyers: Buyers, per_s: int, *, counts: bool) -> None:
    contender.settle()
    server_s, database_s = contender.cpu_s(), contender.database_cpu_s()
    buyers.listen()
    program = outsider.Outsider(contender.url, outsider.ORDERS, per_s, SECONDS)
    while program.is_writing():
        buyers.hear_for(0.05)
    commits = program.commits()
    arrivals = buyers.heard_out(commits)
    if counts:
        row = f"{per_s:,}/s by SQL"
        lags.add(row, arrivals, commits)
        lags.spend(row, contender.cpu_s() - server_s, contender.database_cpu_s() - database_s, len(commits))


def _read(noted: Path) -> dict[str, float]:
    return {id_: float(at_s) for at_s, id_ in map(str.split, noted.read_text().splitlines())}
