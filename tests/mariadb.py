"""A real MariaDB server on a free loopback port: started, killed and started again as a test wants."""

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
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pymysql

from tests.certificates import Authority
from tests.ports import free_port

Connection: TypeAlias = "pymysql.connections.Connection"
START_S_MAX = 60.0
# Small, and quick to start. What is committed is handed to the kernel, which a `kill -9` does not touch.
SETTINGS = {
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "32M",
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-flush-method": "fsync",
    "innodb-doublewrite": "OFF",
    "innodb-buffer-pool-dump-at-shutdown": "OFF",
    "aria-pagecache-buffer-size": "2M",
    "key-buffer-size": "1M",
    "performance-schema": "OFF",
    "max-connections": "60",
    "skip-name-resolve": "ON",
    "character-set-server": "latin1",  # as old ones are
    "local-infile": "OFF",
    # What a shop of long standing has, and what triggers must not care for.
    "sql-mode": "",
}


class Mariadb:
    """Its data lie in a folder of their own, and outlive `kill`. It starts again on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="ordercast-mariadb-"))
        self.authority = Authority(self.folder)
        # It runs as root only if told to, for its files are its own.
        self._user = [f"--user={pwd.getpwuid(os.geteuid()).pw_name}"]
        self._data = self.folder / "data"
        # One that starts removes the temporary tables that it finds, another's that is running among them.
        temporary = self.folder / "tmp"
        temporary.mkdir()
        self._environ = {**os.environ, "TMPDIR": str(temporary)}
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        install = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self._data}", *self._user, *install],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self._environ,
        )  # fmt: skip

    # --- Its life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        settings = {
            **SETTINGS,
            "ssl-cert": str(self.authority.certificate),
            "ssl-key": str(self.authority.key),
            "datadir": str(self._data),
            "bind-address": "127.0.0.1",
            "port": str(self.port),
            "socket": str(self.folder / "socket"),
            "pid-file": str(self.folder / "pid"),
            "log-error": str(self.folder / "log"),
        }
        self._process = subprocess.Popen(
            [_server(), "--no-defaults", *self._user, *(f"--{name}={value}" for name, value in settings.items())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environ,
        )
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            self.connect("mysql").close()
        except pymysql.err.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- Its databases ----------------------------------------------------------------------------------------------

    def url(self, database: str, user: str = "root", parameters: str = "") -> str:
        return f"mysql://{user}@127.0.0.1:{self.port}/{database}{parameters}"

    def connect(self, database: str, user: str = "root", **options: Any) -> Connection:
        """As a shop's own back end does."""
        known = {"charset": "utf8mb4", "autocommit": True, "ssl_disabled": True, **options}
        return pymysql.connect(host="127.0.0.1", port=self.port, user=user, database=database, **known)

    def client(self, database: str, script: str) -> None:
        """Run `script` with the program that operators use. Raises RuntimeError with what it says of errors."""
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.folder / 'socket'}", "--user=root", database],
            input=script, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def new_database(self) -> str:
        name = f"shop_{next(self._names)}"
        with self.connect("mysql") as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")
        return name

    def drop(self, database: str) -> None:
        with self.connect("mysql") as connection:
            connection.cursor().execute(f"DROP DATABASE IF EXISTS {database}")


def _server() -> str:
    found = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    assert found is not None, "no mariadbd: apt-get install mariadb-server (scripts/install-test-tools)"
    return found


@contextmanager
def running_mariadb() -> Iterator[Mariadb]:
    mariadb = Mariadb()
    try:
        mariadb.start()
        yield mariadb
    finally:
        mariadb.remove()
