"""Everything that goes on in a shop while it is struck: buyers, staff, and a program that writes to its database.

What is refused, or not answered, is asked again, of any node that is up. Whatever else is answered is `strange`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import httpx

from .shop import Shop

BUYERS = 3
PAUSE_S = 0.1
# A database that is silent is waited for; nobody waits longer than this without an answer.
ANSWERED_S_MAX = 30.0
AGAIN_S = 0.25
AGAIN_S_MAX = 90.0
_MOVES = {"pending": "processing", "processing": "ready_for_delivery"}


class OtherProgram(Protocol):
    """A connection of Python's database drivers."""

    def execute(self, statement: str, /) -> Any: ...
    def close(self) -> None: ...


class Trade:
    """Goes on until `stop`."""

    def __init__(
        self,
        shops: Sequence[Shop],
        customer: str,
        watched: str,
        connect: Callable[[], OtherProgram],
        chance: random.Random,
    ) -> None:
        """`customer` buys now and then; the order `watched` is changed over and over."""
        self.confirmed: dict[str, str] = {}
        """Each order that was answered with 201, by its Idempotency-Key, which is its buyer's name too."""
        self.moves = 0
        self.written = 0
        """Commits of the other program that it was told of."""
        self.strange: list[str] = []
        self.longest_s = 0.0
        """Until an answer of whatever kind."""
        self._shops = shops
        self._watched = watched
        self._customer_token = shops[0].token("customer", customer)
        self._token = shops[0].token()
        self._connect = connect
        self._body = shops[0].order()
        # A request by itself reads all certificates first. No connection is kept: each may go to another node.
        self._http = httpx.Client(timeout=ANSWERED_S_MAX, limits=httpx.Limits(max_keepalive_connections=0))
        self._news = threading.Condition()
        self._stopping = threading.Event()
        people = [*(self._buy for _ in range(BUYERS)), self._work, self._write]
        self._threads = [
            threading.Thread(target=self._live, args=(each, random.Random(chance.random()))) for each in people
        ]
        for thread in self._threads:
            thread.start()

    def wait_for_more(self, count: int) -> None:
        with self._news:
            wanted = len(self.confirmed) + count
            sold = self._news.wait_for(lambda: len(self.confirmed) >= wanted, AGAIN_S_MAX)
        assert sold, f"nothing is sold any more: {self.strange[:5]}"

    def stop(self) -> None:
        """Whoever waits for an order to be confirmed has it confirmed first."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._http.close()

    def _live(self, act: Callable[[random.Random], None], chance: random.Random) -> None:
        while not self._stopping.wait(PAUSE_S * chance.uniform(0.2, 1.8)):
            act(chance)

    # Buyers

    def _buy(self, chance: random.Random) -> None:
        key = f"buyer-{chance.getrandbits(64):x}"
        item = {**self._body["cartItems"][0], "quantity": 1}
        body = {**self._body, "cartItems": [item], "customerInfo": {**self._body["customerInfo"], "name": key}}
        headers = {"idempotency-key": key}
        if chance.random() < 0.4:
            headers["authorization"] = f"Bearer {self._customer_token}"
        give_up_at = time.monotonic() + AGAIN_S_MAX
        while time.monotonic() < give_up_at:
            answer = self._ask(chance, "POST", "/api/orders", json=body, headers=headers)
            if answer is not None and answer.status_code == 201:
                with self._news:
                    self.confirmed[key] = answer.json()["id"]
                    self._news.notify_all()
                return
            if not self._is_expected(answer, 503, "request-running"):
                return
            time.sleep(AGAIN_S)
        self.strange.append(f"{key} was never answered with 201")

    # Staff

    def _work(self, chance: random.Random) -> None:
        order_id = self._some_order(chance)
        headers = {"authorization": f"Bearer {self._token}"}
        found = self._ask(chance, "GET", f"/api/orders/{order_id}", headers=headers)
        if found is None or found.status_code != 200:
            self._is_expected(found, 503)
            return
        order = found.json()
        move = {
            "status": _MOVES.get(order["status"], "cancelled"),
            "version": order["version"],
            "reason": "a day's work",
        }
        answer = self._ask(chance, "POST", f"/api/orders/{order_id}/status", json=move, headers=headers)
        self.moves += answer is not None and answer.status_code == 200
        self._is_expected(answer, 200, 409, 503)

    def _some_order(self, chance: random.Random) -> str:
        """One of the newest, so that many changes concern the same."""
        with self._news:
            newest = list(self.confirmed.values())[-12:]
        return chance.choice([self._watched, *newest])

    # The other program

    def _write(self, chance: random.Random) -> None:
        """In one transaction, which may take a while and may be taken back."""
        order_id = self._some_order(chance)
        connection = None
        with suppress(Exception):  # whatever the drivers say of a database that is away
            connection = self._connect()
            connection.execute("BEGIN")
            if chance.random() < 0.3:
                connection.execute("INSERT INTO orders (customer_name, total) VALUES ('by telephone', 500)")
            connection.execute(
                f"UPDATE orders SET customer_mobile = '+8801{chance.randrange(10**9):09}' WHERE id = '{order_id}'"
            )
            connection.execute(
                "UPDATE orders SET held_from = CASE status WHEN 'on_hold' THEN NULL ELSE status END,"
                f" status = CASE status WHEN 'on_hold' THEN held_from ELSE 'on_hold' END WHERE id = '{order_id}'"
                " AND status IN ('pending', 'processing', 'on_hold')"
            )
            time.sleep(chance.choice((0, 0, 0.05, 0.3)))
            is_kept = chance.random() < 0.8
            connection.execute("COMMIT" if is_kept else "ROLLBACK")
            self.written += is_kept
        if connection is not None:
            connection.close()

    # HTTP

    def _ask(self, chance: random.Random, method: str, path: str, **request: Any) -> httpx.Response | None:
        """None where there is no answer: killed, cut off, or too slow, which is strange."""
        up = [shop for shop in self._shops if shop.is_up]
        if not up:
            time.sleep(AGAIN_S)
            return None
        began = time.monotonic()
        try:
            return self._http.request(method, chance.choice(up).url + path, **request)
        except httpx.TimeoutException as error:
            self.strange.append(f"{method} {path}: {error!r}")
            return None
        except httpx.TransportError:
            return None
        finally:
            self.longest_s = max(self.longest_s, time.monotonic() - began)

    def _is_expected(self, answer: httpx.Response | None, *expected: int | str) -> bool:
        """Whether it has one of these statuses, or says one of these words; no answer is expected at any time."""
        if answer is None or answer.status_code in expected:
            return True
        if any(isinstance(each, str) and each in answer.text for each in expected):
            return True
        self.strange.append(f"{answer.request.method} {answer.request.url} {answer.status_code} {answer.text}")
        return False
