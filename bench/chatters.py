"""People in one conversation: some write, all hear each message once."""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPConnection
from typing import Any

from ordercast.api import issue_token

from . import frames
from .buyers import SECRET
from .swarm import READ_BYTES, Swarm, frame_at

WRITERS = 16
"""At once: each has one message in flight."""
TEXT = "The courier is at the corner of Lake Road and asks which bell to ring."


class Chatters(Swarm):
    """As `Swarm`, whose clients are the shop's people, who all take part in each conversation."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._token = issue_token(SECRET, "store", "usr_bench", 24 * 3600)
        self.connect_frame = frames.frame(b"40" + json.dumps({"token": self._token}).encode())
        self._message = b""

    def _take(self, fd: int, data: bytes, heard: list[int]) -> None:
        """As `Swarm` does; once it is open, of a conversation alone: ours tells its staff of other things too."""
        at, data = 0, self._whole(fd, data)
        while at < len(data):
            start, length = frame_at(data, at)
            if start + length > len(data):
                break
            if data[start] != 0x34 or data[at] != frames.TEXT_FIN:
                self._answer(fd, data[at], data[start : start + length])
            elif not self._message or data.startswith((b'42["message"', b"437["), start):
                heard.append(fd)
            at = start + length
        if at < len(data):
            self._partial[fd] = data[at:]

    def open_conversation(self) -> None:
        """Open one about an order, where the server has orders, and let everybody hear what they are greeted with."""
        products = self._ask("GET", "/api/products")
        id_ = "cnv_bench"
        if products is not None:
            address = {"name": "A", "line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"}
            order = self._ask(
                "POST",
                "/api/orders",
                {
                    "fulfilment": "delivery",
                    "customerInfo": {"name": "A", "email": "a@example.com", "mobile": "+8801700000000"},
                    "billingInfo": address,
                    "shippingInfo": address,
                    "cartItems": [{"productId": products["items"][0]["id"], "quantity": 1}],
                    "paymentInfo": {"method": "cash"},
                },
            )
            id_ = self._ask("POST", "/api/conversations", {"orderId": order["id"]})["id"]
        self._message = frames.event("send_message", {"conversationId": id_, "text": TEXT}, ack_id=7)
        while ready := self._epoll.poll(0.3):
            for fd, _ in ready:
                self._take(fd, os.read(fd, READ_BYTES), [])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, or None of a server that serves no such thing."""
        shop = HTTPConnection("127.0.0.1", self._port)
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        shop.request(method, path, None if body is None else json.dumps(body), headers)
        answer = shop.getresponse()
        content = answer.read()
        shop.close()
        if answer.status == 404:
            return None
        assert answer.status < 300, content
        return json.loads(content)

    def chat(self, duration_s: float) -> int:
        """Let `WRITERS` write at once, until all have heard all, and again; gives how many messages that was."""
        rounds, end_s = 0, time.monotonic() + duration_s
        while time.monotonic() < end_s:
            for fd in self.fds[:WRITERS]:
                self.send(fd, self._message)
            self.await_messages(WRITERS * (len(self.fds) + 1))
            rounds += 1
        return rounds * WRITERS
