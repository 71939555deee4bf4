"""What ten thousand people who type cost those who order."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from statistics import quantiles
from typing import Any, Final

from ordercast.api import issue_token

from . import frames
from .buyers import ADDRESS, SECRET, Buyers
from .contender import GENERATOR_CORE, run_shop
from .measure import Result, raise_fd_limit
from .swarm import Swarm

PER_S, SECONDS, ADMINS = 100, 5.0, 100
CONVERSATIONS: Final = int(os.environ.get("BENCH_CONVERSATIONS", "1000"))
PEOPLE: Final = 10
"""In each conversation, who all type."""
EVERY_S: Final = 3.0
"""A page says that its person types."""
OPEN_BY_ONE: Final = 100
"""Conversations that one of the shop's people has open."""
ABOUT: Final = (
    f"{PER_S} orders/s, while nobody types and while {CONVERSATIONS * PEOPLE:,} people do in"
    f" {CONVERSATIONS:,} conversations"
)


def measure(databases: Sequence[str], samples: int) -> list[Result]:
    """Each sample is five seconds in silence, then five with everybody typing; one round before them is thrown away."""
    found: dict[str, list[float]] = {}
    for database in databases:
        with run_shop("ours", SECRET, database) as contender:
            buyers = Buyers(contender.port)
            with _crowd(contender.port) as crowd:
                # Behind the crowd, whose orders they need not hear of.
                buyers.connect(ADMINS)
                buyers.open_shop()
                for turn in range(samples + 1):
                    for row in ("silent", "typing"):
                        _tell(crowd, row)
                        time.sleep(1.0)
                        before_s = contender.cpu_s()
                        cuts = quantiles(buyers.buy_steadily(PER_S, SECONDS).answered_s, n=100)
                        share = (contender.cpu_s() - before_s) / SECONDS
                        figures = {"p50": 1000 * cuts[49], "p99": 1000 * cuts[98], "core": share}
                        for figure, value in figures.items() if turn else ():
                            found.setdefault(f"{database}, {row}, {figure}", []).append(value)
            buyers.close()
    return [Result("typing", label, "" if label.endswith("core") else "ms", values) for label, values in found.items()]


@contextlib.contextmanager
def _crowd(port: int) -> Iterator[subprocess.Popen[str]]:
    """Everybody in a process of their own, connected and silent."""
    command = ["nice", sys.executable, "-m", "bench.typing_crowd", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        yield process
    finally:
        process.kill()
        process.wait()


def _tell(crowd: subprocess.Popen[str], word: str) -> None:
    assert crowd.stdin is not None
    crowd.stdin.write(f"{word}\n")
    crowd.stdin.flush()


# --- The other process ------------------------------------------------------------------------------------------------


class Crowd(Swarm):
    """As `Swarm`; each client has a token and a conversation of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._shop = HTTPConnection("127.0.0.1", port)
        self._staff = issue_token(SECRET, "store", "usr_bench", 24 * 3600)
        self._tokens: list[str] = []
        self._frames: dict[int, bytes] = {}
        self.conversations: list[str] = []

    def enter(self) -> None:
        """Open the conversations, and let everybody in."""
        product = self._ask("GET", "/api/products")["items"][0]["id"]
        for _ in range(CONVERSATIONS):
            order = self._ask("POST", "/api/orders", _order(product))
            self.conversations.append(self._ask("POST", "/api/conversations", {"orderId": order["id"]})["id"])
            self._tokens += [order["trackingToken"]] * PEOPLE
        self._tokens += [self._staff] * -(-CONVERSATIONS // OPEN_BY_ONE)
        self.connect(len(self._tokens))
        for index, fd in enumerate(self.fds[CONVERSATIONS * PEOPLE :]):
            for id_ in self.conversations[index * OPEN_BY_ONE : (index + 1) * OPEN_BY_ONE]:
                self.send(fd, frames.event("watch_conversation", {"conversationId": id_}))
        self.hear_for(1.0)

    def type_for(self, seconds: float, done: int) -> int:
        """Let everybody say so in their turn; `done` is where the last call ended."""
        end_s, typists = time.monotonic() + seconds, CONVERSATIONS * PEOPLE
        begin_s = time.monotonic()
        first = done
        while (now_s := time.monotonic()) < end_s:
            while done - first < (now_s - begin_s) * typists / EVERY_S:
                fd = self.fds[done % typists]
                self.send(fd, self._typing(done % typists))
                done += 1
            self.hear_for(0.002)
        return done

    def hear_for(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            for fd, _ in self._epoll.poll(left_s):
                self._take(fd, os.read(fd, 65_536), [])

    def _typing(self, typist: int) -> bytes:
        if typist not in self._frames:
            id_ = self.conversations[typist // PEOPLE]
            self._frames[typist] = frames.event("typing", {"conversationId": id_}, ack_id=1)
        return self._frames[typist]

    def _answer(self, fd: int, first_byte: int, payload: bytes) -> None:
        if payload.startswith(b"0"):
            token = self._tokens[self._place(fd)]
            self.connect_frame = frames.frame(b"40" + json.dumps({"token": token}).encode())
        super()._answer(fd, first_byte, payload)

    def _place(self, fd: int) -> int:
        # Those that are on their way in are the newest.
        return next(place for place in range(len(self.fds) - 1, -1, -1) if self.fds[place] == fd)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self._staff}", "content-type": "application/json"}
        if path == "/api/orders":
            del headers["authorization"]
        self._shop.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._shop.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content)


def _order(product: str) -> dict[str, Any]:
    return {
        "fulfilment": "delivery",
        "customerInfo": {"name": "A", "email": "a@example.com", "mobile": "+8801700000000"},
        "billingInfo": ADDRESS,
        "shippingInfo": ADDRESS,
        "cartItems": [{"productId": product, "quantity": 1}],
        "paymentInfo": {"method": "cash"},
    }


def main() -> None:
    """Be the crowd: ``silent`` and ``typing`` come by standard input."""
    os.sched_setaffinity(0, {GENERATOR_CORE})
    raise_fd_limit()
    crowd = Crowd(int(sys.argv[1]))
    crowd.enter()
    print("there", flush=True)
    os.set_blocking(sys.stdin.fileno(), False)
    is_typing, done = False, 0
    while True:
        if word := sys.stdin.readline():
            is_typing = word.strip() == "typing"
        if is_typing:
            done = crowd.type_for(0.2, done)
        else:
            crowd.hear_for(0.2)


if __name__ == "__main__":
    main()
