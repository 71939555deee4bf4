"""One server under measure: started on a core of its own, its CPU time and memory read from outside, ended by id."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SERVER_CORE, GENERATOR_CORE = 0, 1
START_S_MAX = 15.0
STOP_S_MAX = 5.0

COMMANDS: dict[str, list[str]] = {
    "ours": [sys.executable, "-m", "bench.servers.ours"],
    "node": ["node", str(HERE / "servers" / "node.mjs")],
    "python-socketio": [sys.executable, "-m", "bench.servers.python_socketio"],
}
# Whole shops, for the workloads that buy in them.
SHOPS: dict[str, list[str]] = {
    "ours": [sys.executable, "-m", "ordercast", "serve", "--port"],
    "node": ["node", str(HERE / "servers" / "shop.mjs")],
}


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server."""

    name: str
    pid: int
    port: int

    def cpu_s(self) -> float:
        """CPU time of all its threads, user and system, in seconds. The same as utime + stime in /proc/<pid>/stat,
        but in nanoseconds rather than ticks: the process's own clock, whose id clock_getcpuclockid(3) makes so.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss_bytes(self) -> int:
        resident_pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(resident_pages) * os.sysconf("SC_PAGE_SIZE")

    def settle(self) -> None:
        """Wait until the server has nothing left to do, so that no sample pays for what came before it."""
        busy_s = 0.001
        for _ in range(100):
            before_s = self.cpu_s()
            time.sleep(0.05)
            if self.cpu_s() - before_s < busy_s:
                return


@contextlib.contextmanager
def run(name: str, *, ping_interval_ms: int, ping_timeout_ms: int, recovers: bool = False) -> Iterator[Contender]:
    """Start a server on its core and give it when it listens; end it afterwards, whatever happened."""
    port = _free_port()
    command = [*COMMANDS[name], str(port), str(ping_interval_ms), str(ping_timeout_ms), str(int(recovers))]
    with _started(name, command, port) as contender:
        yield contender


@contextlib.contextmanager
def run_shop(name: str, secret: str) -> Iterator[Contender]:
    """The same with a whole shop on a database of its own; `secret` signs its tokens. No ping comes in between."""
    with tempfile.TemporaryDirectory() as folder:
        port, database = _free_port(), Path(folder) / "shop.db"
        settings = {
            "SECRET": secret,
            "DATABASE_URL": f"sqlite:///{database}",
            "LOG_LEVEL": "warning",
            "PING_INTERVAL_MS": "600000",
            "PING_TIMEOUT_MS": "600000",
        }
        environ = {f"ORDERCAST_{key}": value for key, value in settings.items()}
        arguments = [str(port)] if name == "ours" else [str(port), str(database), secret]
        with _started(name, [*SHOPS[name], *arguments], port, environ) as contender:
            yield contender


@contextlib.contextmanager
def _started(name: str, command: list[str], port: int, environ: dict[str, str] | None = None) -> Iterator[Contender]:
    # Threads that a runtime starts inherit the core of their process, so it must be there from the beginning.
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        process = subprocess.Popen(
            command, cwd=HERE.parent, env={**os.environ, **(environ or {})}, stdout=subprocess.DEVNULL
        )
    finally:
        os.sched_setaffinity(0, {GENERATOR_CORE})
    try:
        _await_listening(process, port)
        yield Contender(name, process.pid, port)
    finally:
        _stop(process)


def prepare(names: list[str]) -> list[str]:
    """Install what the Node server needs, if it is not there; give the names of those that can run here."""
    if "node" not in names or (HERE / "node_modules").exists():
        return names
    npm = shutil.which("npm") or shutil.which("ordercast-npm", path=str(Path(sys.executable).parent))
    if npm is None or shutil.which("node") is None:
        print("no Node.js here: its row is left out", file=sys.stderr)
        return [name for name in names if name != "node"]
    subprocess.run([npm, "ci", "--silent"], cwd=HERE, check=True)
    return names


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await_listening(process: subprocess.Popen[bytes], port: int) -> None:
    end_s = time.monotonic() + START_S_MAX
    while time.monotonic() < end_s and process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
