"""A shop's visitors: buyers who post orders over HTTP, and admins who must hear of every one of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import select
import socket
import time
import zlib
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection

from ordercast.api import issue_token

from . import frames
from .swarm import PATIENCE_S, READ_BYTES, ServerFailedError, Swarm, frame_at

BUYERS = 64
LINES = 3
SECRET = "a secret of the benchmarks, known to both shops"  # noqa: S105
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_ID = re.compile(rb'"id" ?: ?"(ord_[^"]+)"')
ADDRESS = {"name": "Asha Rahman", "line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"}


@dataclass(slots=True)
class _Heard:
    """What one admin was sent in a sample. All are sent the same bytes, so one is read and the others compared."""

    length: int = 0
    checksum: int = 0
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many bytes by then."""

    def take(self, data: bytes, now_s: float) -> None:
        self.length += len(data)
        self.checksum = zlib.crc32(data, self.checksum)
        self.arrivals.append((now_s, self.length))


class _Reading:
    """What the first admin was sent, read: both events of each order, once."""

    def __init__(self) -> None:
        self.ends: dict[str, int] = {}
        """Where in the bytes each order's events end."""
        self._told: dict[str, str] = {}
        self._rest = b""
        self._at = 0

    def take(self, data: bytes) -> None:
        data, at = self._rest + data, 0
        while at < len(data):
            start, length = frame_at(data, at)
            if start + length > len(data):
                break
            at = start + length
            self._hear(data[start:at], self._at + at)
        self._at += at
        self._rest = data[at:]

    def _hear(self, packet: bytes, end: int) -> None:
        if not packet.startswith(b"42"):
            raise ServerFailedError(f"unexpected packet {packet[:64]!r}")
        event, payload, *_ = json.loads(packet[2:])
        if event not in ("new_order", "newOrder"):  # ours also notifies the staff now and then
            return
        order_id = payload["order"]["id"] if event == "new_order" else payload["id"]
        former = self._told.get(order_id)
        if (former, event) not in ((None, "new_order"), ("new_order", "newOrder")):
            raise ServerFailedError(f"of order {order_id} came {event} after {former}")
        self._told[order_id] = event
        if event == "newOrder":
            self.ends[order_id] = end


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from when an order was due to be posted; one entry per order, then per order and admin."""

    answered_s: list[float]
    heard_s: list[float]
    behind_s: list[float]
    """From an order's answer to when an admin had heard of it; less than nothing where the admin was first."""
    arrivals: list[tuple[str, float]]
    """When each admin had heard of each order, by the monotonic clock."""


class Buyers(Swarm):
    """As `Swarm`, whose clients are the admins; the buyers come to buy."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        token = issue_token(SECRET, "store", "usr_bench", 24 * 3600)
        self.connect_frame = frames.frame(b"40" + json.dumps({"token": token}).encode())
        self._buyers: dict[int, socket.socket] = {}
        self.products: list[str] = []
        """What they buy."""
        self._chance = random.Random(7)
        self._customers = 0
        self._partial_answers: dict[int, bytes] = {}
        self._heard: dict[int, _Heard] = {}
        self._reading = _Reading()

    def open_shop(self) -> None:
        """Look at the catalogue, and let the admins hear what they are greeted with."""
        shop = HTTPConnection("127.0.0.1", self._port)
        shop.request("GET", "/api/products")
        found = json.loads(shop.getresponse().read())["items"]
        shop.close()
        # The deepest stocks: no sample may sell one out.
        found.sort(key=lambda product: (-product["stock"], product["name"]))
        self.products = [product["id"] for product in found[:5]]
        while ready := self._epoll.poll(0.3):
            for fd, _ in ready:
                self._take(fd, os.read(fd, READ_BYTES), [])

    # Buying

    def buy(self, duration_s: float) -> int:
        """Have every buyer post one order after another; gives how many were placed. All are heard when it returns.

        Raises ServerFailedError, also where an admin heard anything else than every order once.
        """
        end_s = time.monotonic() + duration_s
        placed = list[str]()
        with self._buyers_come():
            for fd in self._buyers:
                os.write(fd, self._order())
            waiting = len(self._buyers)
            while waiting:
                for fd, order_id in self._answers():
                    placed.append(order_id)
                    if time.monotonic() < end_s:
                        os.write(fd, self._order())
                    else:
                        waiting -= 1
        self._hear_out(placed)
        return len(placed)

    def buy_steadily(self, per_s: int, duration_s: float) -> Pace:
        """Post an order whenever one is due, whatever is unanswered, as long as a buyer is free. Raises as `buy`."""
        with self._buyers_come():
            dues, answers = self._post_when_due(per_s, duration_s)
        self._hear_out(dues)
        arrivals = list(self._arrivals())
        return Pace(
            [answers[id_] - dues[id_] for id_ in dues],
            [heard_s - dues[id_] for id_, heard_s in arrivals],
            [heard_s - answers[id_] for id_, heard_s in arrivals],
            arrivals,
        )

    def listen(self) -> None:
        """Begin anew to keep what the admins hear."""
        self._heard = {fd: _Heard() for fd in self.fds}
        self._reading = _Reading()

    def hear_for(self, duration_s: float) -> None:
        """Keep what comes in a while: nothing need come."""
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            list(self._answers(left_s))

    def heard_out(self, orders: Collection[str]) -> list[tuple[str, float]]:
        """Wait until all admins have heard of these and no other, since `listen`; gives when each had heard of each."""
        self._hear_out(orders)
        return list(self._arrivals())

    def _post_when_due(self, per_s: int, duration_s: float) -> tuple[dict[str, float], dict[str, float]]:
        """Give when each order was due, and when it was answered, by its id."""
        free, posted = list(self._buyers), dict[int, float]()
        dues, answers = dict[str, float](), dict[str, float]()
        start_s = time.monotonic()
        pending = deque(start_s + n / per_s for n in range(int(per_s * duration_s)))
        while pending or posted:
            wait_s = pending[0] - time.monotonic() if pending and free else PATIENCE_S
            if wait_s <= 0:
                fd = free.pop()
                posted[fd] = pending.popleft()
                os.write(fd, self._order())
                continue
            for fd, order_id in self._answers(wait_s):
                dues[order_id], answers[order_id] = posted.pop(fd), time.monotonic()
                free.append(fd)
        return dues, answers

    def _order(self) -> bytes:
        self._customers += 1
        items = [
            {"productId": id_, "quantity": 1 + n} for n, id_ in enumerate(self._chance.sample(self.products, LINES))
        ]
        body = {
            "fulfilment": "delivery",
            "customerInfo": {
                "name": "Asha Rahman", "email": f"buyer{self._customers}@example.com", "mobile": "+8801700000000",
            },
            "billingInfo": ADDRESS,
            "shippingInfo": ADDRESS,
            "cartItems": items,
            "paymentInfo": {"method": "cash"},
        }  # fmt: skip
        content = json.dumps(body, separators=(",", ":")).encode()
        head = f"POST /api/orders HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content

    # Reading

    @contextlib.contextmanager
    def _buyers_come(self) -> Iterator[None]:
        """Let them in, and out in the end: both servers close a connection that has been idle for five seconds."""
        self.listen()
        for _ in range(BUYERS):
            sock = socket.create_connection(("127.0.0.1", self._next_port()))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._buyers[sock.fileno()] = sock
            self._epoll.register(sock.fileno(), select.EPOLLIN)
        try:
            yield
        finally:
            for sock in self._buyers.values():
                sock.close()
            self._buyers.clear()

    def _answers(self, patience_s: float = PATIENCE_S) -> Iterator[tuple[int, str]]:
        """Wait for whatever comes; give the orders that were answered, and to which buyer."""
        ready = self._epoll.poll(patience_s)
        if not ready and patience_s == PATIENCE_S:
            raise ServerFailedError(f"no answer in {PATIENCE_S:.0f} s")
        for fd, _ in ready:
            data = os.read(fd, READ_BYTES)
            if fd not in self._buyers:
                self._hear(fd, data)
            elif (answer := self._whole_answer(fd, data)) is not None:
                yield fd, answer

    def _whole_answer(self, fd: int, data: bytes) -> str | None:
        """The id of the order; None while the answer is not all there."""
        data = self._partial_answers.pop(fd, b"") + data
        length, head = _LENGTH.search(data), data.find(b"\r\n\r\n")
        if length is None or head < 0 or len(data) < head + 4 + int(length[1]):
            self._partial_answers[fd] = data
            return None
        order_id = _ID.search(data, head)
        if not data.startswith(b"HTTP/1.1 201 ") or order_id is None:
            raise ServerFailedError(data.decode())
        return order_id[1].decode()

    def _hear(self, fd: int, data: bytes) -> None:
        if not data:
            raise ServerFailedError("an admin's connection was closed")
        self._heard[fd].take(data, time.monotonic())
        if fd == self.fds[0]:
            self._reading.take(data)

    # Whether all was heard

    def _hear_out(self, placed: Collection[str]) -> None:
        """Wait until every admin has heard of every order."""
        if not self.fds:
            return
        ends, first = self._reading.ends, self._heard[self.fds[0]]
        while len(ends) < len(placed) or any(heard.length != first.length for heard in self._heard.values()):
            for _ in self._answers():
                raise ServerFailedError("an answer to nothing")
        if ends.keys() != set(placed):
            raise ServerFailedError("the orders that were heard are not those that were placed")
        if len({(heard.length, heard.checksum) for heard in self._heard.values()}) != 1:
            raise ServerFailedError("the admins did not all hear the same")

    def _arrivals(self) -> Iterator[tuple[str, float]]:
        """When each admin had heard of each order."""
        for heard in self._heard.values():
            arrivals = iter(heard.arrivals)
            at_s, length = next(arrivals)
            for order_id, end in self._reading.ends.items():
                while length < end:
                    at_s, length = next(arrivals)
                yield order_id, at_s
