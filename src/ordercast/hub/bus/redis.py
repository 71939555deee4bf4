"""A bus between nodes on any machines, by Redis or Valkey. Imported only if configured.

Nothing is kept there: a message is published, and whoever is subscribed at that moment receives it. Channels are named
``<prefix>:all``, ``<prefix>:node:<name>``, ``<prefix>:alive`` and ``<prefix>:gone``; databases of one Redis share their
channels, so two sites there need two prefixes.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection
from typing import Final

import msgspec

from . import Receive
from .redis_pubsub import HEARTBEAT_S, HEARTBEATS_MISSED_MAX, PubSubState, RedisPubSub

log = logging.getLogger("ordercast.hub")

# Above what one client may be sent before it counts as slow, nothing could be delivered anyway.
MESSAGE_BYTES_MAX: Final = 4_000_000
PREFIX: Final = "ordercast"


class _ToAll(msgspec.Struct, array_like=True, frozen=True):
    node: str
    """The publishing node, which ignores it."""
    message: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_ToAll).decode


class RedisBus:
    """One node's end: ``Server(bus=RedisBus("redis://127.0.0.1:6379"))``.

    `url` is ``redis://``, ``rediss://`` (TLS) or ``unix://``; `prefix` begins the names of all channels, so that two
    sites may share one Redis; `heartbeat_s` are the seconds between heartbeats. A node counts as alive until three of
    its heartbeats are missing, so `others` may be wrong by four `heartbeat_s`. While Redis is away it stays as it was:
    requests then time out, and the nodes are kept.
    """

    def __init__(self, url: str, *, prefix: str = PREFIX, name: str = "node", heartbeat_s: float = HEARTBEAT_S) -> None:
        """`name` is for people; what makes it unique is added. Raises ValueError for a URL that is none."""
        self.node = f"{name}-{secrets.token_hex(6)}"
        self._receive: Receive = lambda _message: None
        self._all, self._alive, self._gone = (f"{prefix}:{channel}" for channel in ("all", "alive", "gone"))
        self._inboxes = f"{prefix}:node:"
        self._inbox = self._inboxes + self.node
        self._last_heartbeats: dict[str, int] = {}
        """By node: our heartbeat number when its last heartbeat came."""
        self._pubsub = RedisPubSub(
            url,
            name=f"bus {self.node}",
            on_message=self._on_message,
            heartbeat=(self._alive, self.node.encode()),
            channels=(self._all, self._inbox, self._gone),
            heartbeat_s=heartbeat_s,
        )

    def __repr__(self) -> str:
        return f"<RedisBus {self.node} {self.state} others={len(self._last_heartbeats)} dropped={self.dropped}>"

    # What is known of it

    @property
    def state(self) -> PubSubState:
        """Whether messages are carried now."""
        return self._pubsub.state

    @property
    def dropped(self) -> int:
        """Messages that were not carried, or may not have been."""
        return self._pubsub.dropped

    async def until_up(self) -> None:
        """Wait until messages are carried."""
        await self._pubsub.up.wait()

    # The port; see `Bus`

    def open(self, receive: Receive) -> str:
        self._receive = receive
        return self.node

    def start(self) -> None:
        self._pubsub.start()

    def publish(self, message: bytes) -> None:
        self._publish(self._all, _encode(_ToAll(self.node, message)))

    def send(self, node: str, message: bytes) -> None:
        self._publish(self._inboxes + node, message)

    def _publish(self, channel: str, message: bytes) -> None:
        if len(message) > MESSAGE_BYTES_MAX:
            log.error("message of %d bytes dropped: MESSAGE_BYTES_MAX = %d", len(message), MESSAGE_BYTES_MAX)
            self._pubsub.drop()
        else:
            self._pubsub.publish(channel, message)

    async def others(self) -> Collection[str]:
        oldest = self._pubsub.heartbeats - HEARTBEATS_MISSED_MAX
        self._last_heartbeats = {node: last for node, last in self._last_heartbeats.items() if last >= oldest}
        return self._last_heartbeats.keys()

    async def close(self) -> None:
        self._pubsub.publish(self._gone, self.node.encode())
        await self._pubsub.close()

    # What comes

    def _on_message(self, channel: str, message: bytes) -> None:
        if channel == self._inbox:
            self._receive(message)
        elif channel == self._all:
            self._on_message_to_all(message)
        elif channel == self._alive:
            self._on_heartbeat(message.decode(errors="replace"))
        else:
            self._last_heartbeats.pop(message.decode(errors="replace"), None)

    def _on_message_to_all(self, message: bytes) -> None:
        try:
            received = _decode(message)
        except msgspec.DecodeError as error:
            log.error("message not understood: %s", error)
            return
        if received.node != self.node:
            self._receive(received.message)

    def _on_heartbeat(self, node: str) -> None:
        if node == self.node:
            return
        if node not in self._last_heartbeats:
            log.info("%s receives from %s", self.node, node)
            self._pubsub.publish_heartbeat()  # so that it need not wait to know of us
        self._last_heartbeats[node] = self._pubsub.heartbeats
