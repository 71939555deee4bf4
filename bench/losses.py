"""What is lost when a shop's server is killed under load: committed orders that no admin ever heard of.

Ours beside the way it is usually built, which emits after the commit. Admins are stock clients with their defaults;
buyers ask again until they are answered. The server is killed at random moments and started again at once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from ordercast.api import issue_token

from .buyers import ADDRESS, SECRET
from .contender import HERE, FragileShop, fragile_shop
from .swarm import ServerFailedError

KILLS = 10
ADMINS = 3
BUYERS = 4
PAUSE_S = 0.04
# From when all admins are back: a calm shop sells, then it is killed.
LIFE_S = (0.5, 2.0)
RETURN_S_MAX = 60.0
# All admins are there, and whoever has not heard by then is not going to.
SETTLE_S = 8.0
ANSWER_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Losses:
    """What one server lost."""

    workload: str
    server: str
    kills: int
    committed: int
    confirmed: int
    """Answered with 201."""
    unheard: int
    """Committed, and no admin ever heard of them."""
    confirmed_unheard: int
    unheard_by_one: int
    """Of committed orders and admins: how often one never heard of one."""
    twice: int
    """How often an admin heard again of an order."""


def measure_losses(names: list[str]) -> list[Losses]:
    """Nothing where the stock clients are not installed: see `contender.prepare`."""
    if not (HERE / "node_modules").exists():
        return []
    return [_lose(name) for name in names if name != "python-socketio"]


def _lose(name: str) -> Losses:
    chance = random.Random(11)  # the same moments for each server, as far as its starts allow
    with tempfile.TemporaryDirectory() as folder:
        shop = fragile_shop(name, SECRET, Path(folder))
        token = issue_token(SECRET, "store", "usr_bench", 24 * 3600)
        admins, buyers = Admins(f"http://127.0.0.1:{shop.port}", token, "newOrder"), _Buyers(shop)
        try:
            for _ in range(KILLS):
                with shop.life() as alive:
                    admins.wait_for_connections()
                    buyers.go_on()  # the first order comes when all are there to hear it
                    time.sleep(chance.uniform(*LIFE_S))
                    os.kill(alive.pid, signal.SIGKILL)
            with shop.life():
                admins.wait_for_connections()
                buyers.go_on()
                time.sleep(max(LIFE_S))
                confirmed = buyers.stop()
                time.sleep(SETTLE_S)
        finally:
            buyers.stop()
            heard = admins.stop()
        return _counted(name, _committed(shop), confirmed, heard)


def _committed(shop: FragileShop) -> set[str]:
    with closing(sqlite3.connect(shop.database)) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM orders")}


def _counted(name: str, committed: set[str], confirmed: set[str], heard: list[Counter[str]]) -> Losses:
    by_any = set().union(*heard)
    return Losses(
        workload="losses",
        server=name,
        kills=KILLS,
        committed=len(committed),
        confirmed=len(confirmed),
        unheard=len(committed - by_any),
        confirmed_unheard=len(confirmed - by_any),
        unheard_by_one=sum(len(committed - set(by_one)) for by_one in heard),
        twice=sum(by_one.total() - len(by_one) for by_one in heard),
    )


class Admins:
    """Stock clients in one process of Node.js, which count each order that they hear of by an event."""

    def __init__(self, url: str, token: str, event: str, script: Path = HERE / "admins.mjs") -> None:
        self._heard = [Counter[str]() for _ in range(ADMINS)]
        self._connections = [0] * ADMINS
        self._awaited = 0
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            ["node", str(script), url, token, str(ADMINS), event],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            with self._news:
                if "order" in said:
                    self._heard[said["admin"]][said["order"]] += 1
                else:
                    self._connections[said["admin"]] += 1
                self._news.notify_all()

    def wait_for_connections(self) -> None:
        """Until each has come once more."""
        self._awaited += 1
        with self._news:
            back = self._news.wait_for(lambda: min(self._connections) >= self._awaited, RETURN_S_MAX)
        if not back:
            raise ServerFailedError(f"the admins connected {self._connections} times, not {self._awaited}")

    def stop(self) -> list[Counter[str]]:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        return self._heard


class _Buyers:
    """They order one after another, a little apart; whoever is not answered orders anew."""

    def __init__(self, shop: FragileShop) -> None:
        self._port = shop.port
        self._confirmed: set[str] = set()
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def _buy(self) -> None:
        body = ""
        while not self._stopping.wait(PAUSE_S):
            try:
                with closing(HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S_MAX)) as shop:
                    body = body or _order(shop)
                    shop.request("POST", "/api/orders", body, {"Content-Type": "application/json"})
                    answer = shop.getresponse()
                    placed = json.loads(answer.read())
            except (OSError, HTTPException, ValueError):
                continue  # killed
            if answer.status == 201:
                with self._news:
                    self._confirmed.add(placed["id"])
                    self._news.notify_all()

    def go_on(self) -> None:
        """Until one more order is confirmed; they begin when first told to."""
        if not self._threads:
            self._threads = [threading.Thread(target=self._buy) for _ in range(BUYERS)]
            for thread in self._threads:
                thread.start()
        with self._news:
            before = len(self._confirmed)
            if not self._news.wait_for(lambda: len(self._confirmed) > before, RETURN_S_MAX):
                raise ServerFailedError("nothing is sold")

    def stop(self) -> set[str]:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self._confirmed


def _order(shop: HTTPConnection) -> str:
    """For one piece of what there is most of."""
    shop.request("GET", "/api/products")
    product = max(json.loads(shop.getresponse().read())["items"], key=lambda each: each["stock"])
    return json.dumps(
        {
            "fulfilment": "delivery",
            "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
            "billingInfo": ADDRESS,
            "shippingInfo": ADDRESS,
            "cartItems": [{"productId": product["id"], "quantity": 1}],
            "paymentInfo": {"method": "cash"},
        }
    )
