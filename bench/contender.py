"""One server under measure: started on a core of its own, its CPU time and memory read from outside, ended by id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import Postgres, running_postgres

from .processes import cpu_s, family_cpu_s, rss_bytes

HERE = Path(__file__).parent
SERVER_CORE, GENERATOR_CORE = 0, 1
START_S_MAX = 15.0
STOP_S_MAX = 5.0

COMMANDS: dict[str, list[str]] = {
    "ours": [sys.executable, "-m", "bench.servers.ours"],
    "node": ["node", str(HERE / "servers" / "node.mjs")],
    "python-socketio": [sys.executable, "-m", "bench.servers.python_socketio"],
    # The same hub in somebody else's uvicorn; asked for by name.
    "asgi": [sys.executable, "-m", "bench.servers.asgi", "outermost"],
    "asgi-middleware": [sys.executable, "-m", "bench.servers.asgi", "middleware"],
}
PEERS = ("ours", "node", "python-socketio")
ORDERCAST = [sys.executable, "-m", "ordercast"]
# Whole shops, for the workloads that buy in them; each on either database.
SHOPS: dict[str, list[str]] = {
    "ours": [*ORDERCAST, "serve", "--port"],
    "node": ["node", str(HERE / "servers" / "shop.mjs")],
}
SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASES = (SQLITE, POSTGRESQL)
SQLITE_URL = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server."""

    name: str
    pid: int
    port: int
    postgres: Postgres | None = None
    """Its database server, which works for nobody else."""
    url: str = ""
    """Of a shop's database."""

    def cpu_s(self) -> float:
        return cpu_s(self.pid)

    def database_cpu_s(self) -> float:
        """CPU time that a database server used for it, in seconds; nothing where the database is in the process."""
        return 0.0 if self.postgres is None else family_cpu_s(self.postgres.pid)

    def rss_bytes(self) -> int:
        return rss_bytes(self.pid)

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
    port = free_port()
    command = [*COMMANDS[name], str(port), str(ping_interval_ms), str(ping_timeout_ms), str(int(recovers))]
    with _started(name, command, port) as contender:
        yield contender


@contextlib.contextmanager
def run_shop(name: str, secret: str, database: str = SQLITE, node_shop: str = "shop.mjs") -> Iterator[Contender]:
    """The same with a whole shop on a database of its own; `secret` signs its tokens. No ping comes in between."""
    with database_for(database) as (url, postgres):
        environ, port = shop_environ(url, secret), free_port()
        if name == "ours":
            prepare_shop(environ)
            arguments = [str(port)]
        else:
            arguments = [str(port), url.removeprefix(SQLITE_URL), secret]
        label = name if postgres is None else f"{name} {database}"
        command = SHOPS[name] if name == "ours" else ["node", str(HERE / "servers" / node_shop)]
        with _started(label, [*command, *arguments], port, environ, postgres) as contender:
            yield contender


@dataclass(frozen=True, slots=True)
class FragileShop:
    """A shop whose database outlives its processes."""

    name: str
    port: int
    database: Path
    _command: list[str]
    _environ: dict[str, str]

    @contextlib.contextmanager
    def life(self) -> Iterator[Contender]:
        """From when it listens to the end of the block."""
        with _started(self.name, self._command, self.port, self._environ) as contender:
            yield contender


def fragile_shop(name: str, secret: str, folder: Path) -> FragileShop:
    """One on a new database in `folder`, not started yet."""
    port, database = free_port(), folder / "shop.db"
    environ = shop_environ(f"{SQLITE_URL}{database}", secret)
    arguments = [str(port)] if name == "ours" else [str(port), str(database), secret]
    return FragileShop(name, port, database, [*SHOPS[name], *arguments], environ)


@contextlib.contextmanager
def run_noting_shop(secret: str, database: str, noted: Path) -> Iterator[Contender]:
    """A shop of ours that writes to `noted`, when it has ended, when each order was committed."""
    with database_for(database) as (url, postgres):
        environ, port = shop_environ(url, secret), free_port()
        prepare_shop(environ)
        command = [sys.executable, "-m", "bench.servers.noting_shop", str(noted), "serve", "--port", str(port)]
        with _started("ours", command, port, environ, postgres) as contender:
            yield contender


@contextlib.contextmanager
def database_for(database: str) -> Iterator[tuple[str, Postgres | None]]:
    """A new database: its URL, and the server that has no other."""
    if database == SQLITE:
        with tempfile.TemporaryDirectory() as folder:
            yield f"{SQLITE_URL}{Path(folder) / 'shop.db'}", None
    else:
        with running_postgres() as postgres:
            yield postgres.url(postgres.new_database()), postgres


def shop_environ(url: str, secret: str) -> dict[str, str]:
    """The settings of a shop of ours."""
    settings = {
        "SECRET": secret,
        "DATABASE_URL": url,
        "BUDGETS": "off",  # all buyers and admins of a benchmark are one caller
        "MAIL_URL": "off",
        "LOG_LEVEL": "warning",
        "PING_INTERVAL_MS": "600000",
        "PING_TIMEOUT_MS": "600000",
    }
    return {f"ORDERCAST_{key}": value for key, value in settings.items()}


def prepare_shop(environ: dict[str, str]) -> None:
    """Make the tables and the demo catalogue, as a shop does by itself on SQLite alone."""
    for command in ("migrate", "demo"):
        subprocess.run(
            [*ORDERCAST, command], cwd=HERE.parent, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL
        )


def run_node(
    environ: dict[str, str], postgres: Postgres | None, port: int | None = None
) -> contextlib.AbstractContextManager[Contender]:
    """One more node of ours on a database that was prepared."""
    port = port or free_port()
    return _started("ours", [*SHOPS["ours"], str(port)], port, environ, postgres)


def kill_node(node: Contender) -> None:
    """``kill -9``, and wait until its port is free."""
    os.kill(node.pid, signal.SIGKILL)
    os.waitid(os.P_PID, node.pid, os.WEXITED | os.WNOWAIT)


@contextlib.contextmanager
def _started(
    name: str,
    command: list[str],
    port: int,
    environ: dict[str, str] | None = None,
    postgres: Postgres | None = None,
) -> Iterator[Contender]:
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
        yield Contender(name, process.pid, port, postgres, (environ or {}).get("ORDERCAST_DATABASE_URL", ""))
    finally:
        stop(process)


def prepare(names: list[str], *, with_stock_clients: bool = False) -> list[str]:
    """Install what the Node server and the stock clients need, if it is not there; give the names of those that can run
    here.
    """
    if not ("node" in names or with_stock_clients) or (HERE / "node_modules").exists():
        return names
    npm = shutil.which("npm") or shutil.which("ordercast-npm", path=str(Path(sys.executable).parent))
    if npm is None or shutil.which("node") is None:
        print("no Node.js here: its row is left out, and so is what needs stock clients", file=sys.stderr)
        return [name for name in names if name != "node"]
    subprocess.run([npm, "ci", "--silent"], cwd=HERE, check=True)
    return names


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await_listening(process: subprocess.Popen[bytes], port: int) -> None:
    end_s = time.monotonic() + START_S_MAX
    while time.monotonic() < end_s and process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
