"""A connection wired in memory: what the server sends is kept, what the client sends is handed in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ordercast.hub import DisconnectReason, Handshake, Server
from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.message import Message

PATIENCE_S = 60.0
HANDSHAKE = Handshake(((b"x-token", b"abc"),), b"EIO=4&a=1&a=2", "192.0.2.7", secure=True, time=1.0)


class Link:
    """One client's connection; `sent` is what the client was sent, oldest first."""

    def __init__(self, server: Server) -> None:
        self.sid = "engine-sid"
        self.handshake = HANDSHAKE
        self.transport_name = "websocket"
        self.backlog_bytes = 0
        self.sent: list[str | bytes] = []
        self.messages: list[Message] = []
        self.closed_for: DisconnectReason | None = None
        self.receiver = server.open(self)

    # The hub's side

    def send(self, message: Message) -> None:
        if self.closed_for is None:
            self.messages.append(message)
            self.sent += [message.text.decode(), *message.attachments]

    def close(self, reason: DisconnectReason) -> None:
        self.closed_for = self.closed_for or reason

    def send_apart(self, message: Message) -> None:
        self.send(message)

    async def drained(self) -> None:
        await asyncio.sleep(0)

    # The client's side

    def receive(self, *messages: str | bytes) -> None:
        """The client sends this. A malformed packet closes, as every transport does."""
        for message in messages:
            try:
                if isinstance(message, str):
                    self.receiver.receive_text(message.encode())
                else:
                    self.receiver.receive_binary(message)
            except MalformedPacket:
                self.lose(DisconnectReason.PARSE_ERROR)

    def lose(self, reason: DisconnectReason = DisconnectReason.TRANSPORT_CLOSE) -> None:
        """The connection ends."""
        self.close(reason)
        self.receiver.closed(reason)

    def take(self) -> list[str | bytes]:
        """What was sent since the last take."""
        sent, self.sent = self.sent, []
        return sent


def connect(server: Server, namespace: str = "/", auth: Any = None) -> Link:
    """A client that has entered the namespace; what it was sent so far is taken."""
    link = Link(server)
    enter(link, namespace, auth)
    return link


def enter(link: Link, namespace: str = "/", auth: Any = None) -> str:
    """Enter a namespace; give the sid."""
    prefix = "" if namespace == "/" else namespace + ","
    link.receive(f"0{prefix}" + ("" if auth is None else json.dumps(auth)))
    answer = str(link.take()[0])
    assert answer.startswith(f"40{prefix}"), answer
    sid: str = json.loads(answer[2 + len(prefix) :])["sid"]
    return sid


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)
