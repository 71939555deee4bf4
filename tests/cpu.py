"""What tests cost, as CPU time of theirs and of all processes that they start: `pytest --cpu-durations=20`.

Wall time says how busy the machine was. CPU says which test to make cheaper, whoever else uses the machine.
"""

from __future__ import annotations

import os
import resource
from collections import defaultdict
from collections.abc import Generator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s() -> float:
    """The CPU time of this process and of all that came from it, ended ones too if somebody waited for them."""
    ours, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime + ended.ru_utime + ended.ru_stime + sum(map(_cpu_s, _descendants()))


def _descendants() -> list[int]:
    found = [os.getpid()]
    for pid in found:
        try:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        except OSError:  # it ended meanwhile
            continue
    return found[1:]


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) * _TICK_S  # utime, stime, and both of its children that ended


class CpuDurations:
    """Adds to each report what its phase cost, and prints the dearest tests, files and folders."""

    def __init__(self, shown: int) -> None:
        self._shown = shown
        self._mark = cpu_s()
        self._of_tests: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
        now = cpu_s()
        # Less than nothing, where processes ended for whom nobody waited.
        report.cpu_s, self._mark = max(0.0, now - self._mark), now
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._of_tests[report.nodeid] += getattr(report, "cpu_s", 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        of_files: dict[str, float] = defaultdict(float)
        of_folders: dict[str, float] = defaultdict(float)
        for test, cost in self._of_tests.items():
            path = test.partition("::")[0]
            of_files[path] += cost
            of_folders[path.rpartition("/")[0]] += cost
        for title, costs in (("folders", of_folders), ("files", of_files), ("tests", self._of_tests)):
            terminalreporter.section(f"dearest {title}, of {sum(costs.values()):.1f} s of CPU")
            for name, cost in sorted(costs.items(), key=itemgetter(1), reverse=True)[: self._shown]:
                terminalreporter.write_line(f"{cost:8.2f}  {name}")
