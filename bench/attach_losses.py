"""What is lost when the sample's shop is killed under load: as it is, where it commits and then emits, and attached.

Its Express server is killed each time, and attached Ordercast with it; both are started again at once. Admins are stock
clients with their defaults.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import Final

import psycopg
from tests.postgres import running_postgres

from ordercast.api import issue_token

from .attached_shop import SAMPLE, AttachedShop, make_shop
from .buyers import SECRET
from .contender import HERE, ORDERCAST, free_port, shop_environ, stop
from .losses import BUYERS, LIFE_S, PAUSE_S, SETTLE_S, Admins
from .measure import Result

KILLS: Final = 6
START_S_MAX: Final = 20.0
EMITS, ATTACHED = "Express emits", "Express attached"
_PACKAGES: Final = HERE.parent / "tests/clients/node_modules"
# What the guide takes out of the sample, the emits alone: its server may stay where it is.
_EMIT: Final = "  io.emit("


def measure() -> list[Result]:
    """Nothing where the packages of the tests' clients are not installed (`scripts/install-test-tools`)."""
    if not (_PACKAGES / "express").exists():
        return []
    return [result for name in (EMITS, ATTACHED) for result in _lose(name)]


@dataclass(frozen=True, slots=True)
class _Shop:
    name: str
    database: AttachedShop
    folder: Path
    port: int
    node_port: int

    @property
    def socket_port(self) -> int:
        return self.port if self.name == EMITS else self.node_port

    @contextlib.contextmanager
    def life(self) -> Iterator[list[int]]:
        """From when it sells to the end of the block; gives the processes."""
        environ = {
            "PORT": str(self.port), "DATABASE_URL": self.database.url, "JWT_SECRET": SECRET, "ADMIN_PASSWORD": "x",
        }  # fmt: skip
        commands = [(["node", "server.js"], self.folder, environ, self.port)]
        if self.name == ATTACHED:
            settings = {**shop_environ(self.database.url, SECRET), **self.database.environ}
            serve = [*ORDERCAST, "serve", "--port", str(self.node_port)]
            commands.append((serve, HERE.parent, settings, self.node_port))
        processes = [
            subprocess.Popen(command, cwd=cwd, env={**os.environ, **added}, stdout=subprocess.DEVNULL)
            for command, cwd, added, _ in commands
        ]
        try:
            for *_, port in commands:
                _await(port)
            yield [process.pid for process in processes]
        finally:
            for process in processes:
                stop(process)


def _await(port: int) -> None:
    end_s = time.monotonic() + START_S_MAX
    while time.monotonic() < end_s:
        with contextlib.suppress(OSError), closing(HTTPConnection("127.0.0.1", port, timeout=1)) as shop:
            shop.connect()
            return
        time.sleep(0.02)
    raise RuntimeError("it did not start")


def _lose(name: str) -> list[Result]:
    chance = random.Random(11)
    with running_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        database = make_shop(
            postgres.url(postgres.new_database()), Path(folder) / "mapping", is_attached=name == ATTACHED
        )
        shop = _Shop(name, database, _sample(name, Path(folder) / "shop"), free_port(), free_port())
        token = issue_token(SECRET, "store", "usr_bench", 24 * 3600)
        script = Path(shutil.copy(HERE / "admins.mjs", shop.folder))  # beside the packages
        url = f"http://127.0.0.1:{shop.socket_port}"
        admins, buyers = Admins(url, token, "new_order", script), _Buyers(shop.port)
        try:
            for _ in range(KILLS):
                with shop.life() as pids:
                    admins.wait_for_connections()
                    buyers.begin()
                    time.sleep(chance.uniform(*LIFE_S))
                    for pid in pids:
                        os.kill(pid, signal.SIGKILL)
            with shop.life():
                admins.wait_for_connections()
                time.sleep(max(LIFE_S))
                buyers.stop()
                time.sleep(SETTLE_S)
        finally:
            buyers.stop()
            heard = admins.stop()
        with psycopg.connect(database.url) as connection:
            committed = {id_ for (id_,) in connection.execute('SELECT id FROM "Order"')}
    by_any = set().union(*heard)
    figures = {
        "committed": len(committed),
        "heard by no admin": len(committed - by_any),
        "unheard by one of 3 admins": sum(len(committed - set(by_one)) for by_one in heard),
        "heard twice": sum(by_one.total() - len(by_one) for by_one in heard),
    }
    label = f"{name}, {KILLS} kills"
    return [Result("attach", f"{label}: {what}", "orders", [float(value)]) for what, value in figures.items()]


def _sample(name: str, folder: Path) -> Path:
    shutil.copytree(SAMPLE, folder)
    (folder / "node_modules").symlink_to(_PACKAGES)
    if name == ATTACHED:
        server = folder / "server.js"
        lines = server.read_text().splitlines(keepends=True)
        server.write_text("".join(line for line in lines if not line.startswith(_EMIT)))
    return folder


class _Buyers:
    """They order one after another, a little apart, whatever becomes of it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stopping = Event()
        self._threads: list[Thread] = []

    def begin(self) -> None:
        """Once all are there to hear the first order."""
        if not self._threads:
            self._threads = [Thread(target=self._buy, args=(number,)) for number in range(BUYERS)]
            for thread in self._threads:
                thread.start()

    def _buy(self, number: int) -> None:
        items = [{"productId": f"prd_{each}", "quantity": 1} for each in range(3)]
        customer = {"name": "Asha Rahman", "email": f"buyer{number}@example.com", "phone": "+8801700000000"}
        body = json.dumps({"customer": customer, "items": items})
        while not self._stopping.wait(PAUSE_S):
            with (
                contextlib.suppress(OSError, HTTPException),
                closing(HTTPConnection("127.0.0.1", self._port, timeout=5)) as shop,
            ):
                shop.request("POST", "/api/orders", body, {"Content-Type": "application/json"})
                shop.getresponse().read()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
