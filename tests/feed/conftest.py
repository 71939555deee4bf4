"""A real store in a file, a real hub, and connections that keep what they are sent."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.quick import migrated

from ordercast.commerce.rooms import STORE_OWNERS
from ordercast.db import SqliteStore
from ordercast.feed import FeedRecovery, NoTables, Relay, TableWatches, WatchableTables
from ordercast.hub import DisconnectReason, Handshake, Options, Receiver, Server, Socket
from ordercast.protocol.message import Message

HANDSHAKE = Handshake(raw_headers=(), raw_query=b"", address="127.0.0.1", secure=False, time=0.0)


class Line:
    """One client's connection: what it was sent, as packets; `pending` messages wait until they are read."""

    def __init__(self, server: Server) -> None:
        self.sid = "engine-sid"
        self.handshake = HANDSHAKE
        self.transport_name = "websocket"
        self.backlog_bytes = 0
        self.sent: list[Message] = []
        self.closed_for: DisconnectReason | None = None
        self.client: Receiver = server.open(self)

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def close(self, reason: DisconnectReason) -> None:
        self.closed_for = reason

    def send_apart(self, message: Message) -> None:
        self.send(message)

    async def drained(self) -> None:
        return

    def connect(self, **auth: Any) -> None:
        self.client.receive_text(b"0" + msgspec.json.encode(auth))

    def texts(self) -> list[str]:
        return [message.text.decode()[1:] for message in self.sent]

    def events(self) -> list[list[Any]]:
        return [msgspec.json.decode(text[1:]) for text in self.texts() if text.startswith("2")]

    def heard(self, *names: str) -> list[list[Any]]:
        return [event for event in self.events() if event[0] in names]

    @property
    def answer(self) -> dict[str, Any]:
        """The CONNECT answer."""
        found: dict[str, Any] = next(msgspec.json.decode(text[1:]) for text in self.texts() if text.startswith("0"))
        return found


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return migrated(tmp_path / "shop.db")


@pytest.fixture
async def store(database: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(database)
    await store.start()
    yield store
    await store.close()


class Node:
    """One node's hub and relay over a store; what a test needs of `app.build_hub`, with tokens that are plain names."""

    def __init__(
        self, store: SqliteStore, options: Options | None = None, tables: WatchableTables | None = None
    ) -> None:
        self.server = Server(options)
        self.watches = TableWatches(self.server.main, tables or NoTables())
        self.relay = Relay(store, self.server.main, self.watches)
        self.server.main.recovery = FeedRecovery(
            store, store, self.relay, lambda: "2026-01-01T00:00:00.000Z", self.watches
        )
        self.server.use(self._authenticate)
        self.relay.start()

    def _authenticate(self, socket: Socket) -> None:
        identity = socket.auth.get("token", "")
        socket.identity = identity
        if identity.startswith("store"):
            socket.join(STORE_OWNERS)
        elif identity:
            socket.join(identity)

    def line(self) -> Line:
        return Line(self.server)


@pytest.fixture
async def node(store: SqliteStore) -> AsyncIterator[Node]:
    node = Node(store)
    yield node
    node.relay.stop()
    await node.server.close()


@pytest.fixture
def outside(database: Path) -> Callable[..., None]:
    """Another program, which writes to the shop's file by plain SQL."""

    def execute(statement: str, *values: Any) -> None:
        connection = sqlite3.connect(database)
        with connection:
            connection.execute(statement, values)
        connection.close()

    return execute


PLACE = (
    "INSERT INTO orders (id, customer_id, customer_name, customer_email, customer_mobile, total)"
    " VALUES (?, ?, 'Asha Rahman', 'asha@example.com', '+8801700000000', 24000)"
)
