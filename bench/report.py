"""The figures on the page, and as JSON beside the earlier ones."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median

from .contender import HERE
from .losses import Losses
from .measure import Result

Row = Result | Losses

PACKAGES = ("uvloop", "uvicorn", "picows", "msgspec", "python-socketio", "psycopg")
WIDTH, FIGURE_WIDTH = 32, 56


def machine() -> dict[str, str]:
    """What the figures depend on: processor, kernel, versions."""
    versions = {package: version(package) for package in PACKAGES}
    found = {"cpu": _cpu(), "kernel": platform.release(), "python": platform.python_version(), **versions}
    if shutil.which("node"):
        answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        found["node"] = answer.stdout.strip()
        manifest = json.loads((HERE / "package.json").read_text())
        found |= manifest["dependencies"]
    return found


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0] if models else platform.machine()}"


def print_machine() -> None:
    print(", ".join(f"{name} {value}" for name, value in machine().items()), end="\n\n", flush=True)


def print_table(about: str, results: list[Result]) -> None:
    """One workload: a line per server, and how many times the first one's figure it is."""
    times = f"x {results[0].server.split()[0]}"
    database = f"{'database':>10}" if any(result.database for result in results) else ""
    print(f"{results[0].workload}: {about}, {results[0].unit}")
    print(f"  {'':<{WIDTH}}{'median':>9}{'min-max':>17}{times:>8}{'per s':>10}{'generator':>11}{'others':>8}{database}")
    for result in results:
        print(f"  {result.server:<{WIDTH}}{_line(result, results[0].value)}")
    print(flush=True)


def print_figures(about: str, results: list[Result]) -> None:
    """What has no rival: a line per figure, each in its unit."""
    print(f"{results[0].workload}: {about}")
    print(f"  {'':<{FIGURE_WIDTH}}{'median':>11}{'min-max':>21}")
    for result in results:
        spread = f"{min(result.values):,.2f}-{max(result.values):,.2f}"
        print(f"  {result.server:<{FIGURE_WIDTH}}{result.value:>11,.2f}{spread:>21} {result.unit}")
    print(flush=True)


def _line(result: Result, first: float) -> str:
    spread = f"{min(result.values):.2f}-{max(result.values):.2f}"
    line = f"{result.value:>9.2f}{spread:>17}{result.value / first:>8.2f}"
    if not result.per_s:
        return line
    line += f"{median(result.per_s):>10,.0f}{max(result.generator_share):>11.0%}{max(result.others_share):>8.0%}"
    return line + f"{median(result.database):>10.1f}" if result.database else line


def print_losses(losses: list[Losses]) -> None:
    """A line per server: what was committed while it was killed again and again, and who never heard of it."""
    heads = ("kills", "committed", "confirmed", "unheard", "of these confirmed", "unheard by one admin", "twice")
    print("losses: orders of which no admin ever heard; killed under load, started again at once")
    print(f"  {'':<20}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))
    for lost in losses:
        values = (lost.kills, lost.committed, lost.confirmed, lost.unheard, lost.confirmed_unheard)
        line = zip(heads, (*values, lost.unheard_by_one, lost.twice), strict=True)
        print(f"  {lost.server:<20}" + "".join(f"{value:>{len(head) + 2},}" for head, value in line))
    print(flush=True)


def save(results: list[Row]) -> Path:
    """Write everything to bench/results/; gives the file."""
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    path = folder / time.strftime("%Y%m%d-%H%M%S.json", time.gmtime())
    content = {"machine": machine(), "results": [asdict(result) for result in results]}
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path
