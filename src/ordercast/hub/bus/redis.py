"""A bus between nodes on any machines, by way of Redis or Valkey. Loaded only where it is asked for.

Nothing is kept there: a notice is published, and whoever listens at that moment hears it. Channels are named
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
from .redis_pubsub import PULSE_S, PULSES_MISSED_MAX, LinkState, RedisLink

log = logging.getLogger("ordercast.hub")

# Above what one client may be sent before it counts as slow, nothing could be delivered anyway.
NOTICE_BYTES_MAX: Final = 4_000_000
PREFIX: Final = "ordercast"


class _ToAll(msgspec.Struct, array_like=True, frozen=True):
    node: str
    """Who says it, so that it does not hear itself."""
    notice: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_ToAll).decode


class RedisBus:
    """One node's end: ``Server(bus=RedisBus("redis://127.0.0.1:6379"))``.

    A node counts as alive until three of its pulses are missing, so `others` may be wrong by four `pulse_s`. While
    Redis is away it stays as it was: who is asked then is silent, not forgotten.
    """

    def __init__(self, url: str, *, prefix: str = PREFIX, name: str = "node", pulse_s: float = PULSE_S) -> None:
        """`name` is for people; what makes it unique is added. Raises ValueError for a URL that is none."""
        self.node = f"{name}-{secrets.token_hex(6)}"
        self._receive: Receive = lambda _notice: None
        self._all, self._alive, self._gone = (f"{prefix}:{channel}" for channel in ("all", "alive", "gone"))
        self._inboxes = f"{prefix}:node:"
        self._inbox = self._inboxes + self.node
        self._last_pulses: dict[str, int] = {}
        """By node: which pulse of ours was the last one when theirs came."""
        self._link = RedisLink(
            url,
            name=f"bus {self.node}",
            hear=self._hear,
            pulse=(self._alive, self.node.encode()),
            channels=(self._all, self._inbox, self._gone),
            pulse_s=pulse_s,
        )

    def __repr__(self) -> str:
        return f"<RedisBus {self.node} {self.state} others={len(self._last_pulses)} dropped={self.dropped}>"

    # What is known of it

    @property
    def state(self) -> LinkState:
        """Whether notices are carried now."""
        return self._link.state

    @property
    def dropped(self) -> int:
        """Notices that were not carried, or may not have been."""
        return self._link.dropped

    async def until_up(self) -> None:
        """Wait until notices are carried."""
        await self._link.up.wait()

    # The port; see `Bus`

    def open(self, receive: Receive) -> str:
        self._receive = receive
        return self.node

    def start(self) -> None:
        self._link.start()

    def publish(self, notice: bytes) -> None:
        self._say(self._all, _encode(_ToAll(self.node, notice)))

    def send(self, node: str, notice: bytes) -> None:
        self._say(self._inboxes + node, notice)

    def _say(self, channel: str, message: bytes) -> None:
        if len(message) > NOTICE_BYTES_MAX:
            log.error("notice of %d bytes dropped: NOTICE_BYTES_MAX = %d", len(message), NOTICE_BYTES_MAX)
            self._link.drop()
        else:
            self._link.say(channel, message)

    async def others(self) -> Collection[str]:
        oldest = self._link.pulses - PULSES_MISSED_MAX
        self._last_pulses = {node: last for node, last in self._last_pulses.items() if last >= oldest}
        return self._last_pulses.keys()

    async def close(self) -> None:
        self._link.say(self._gone, self.node.encode())
        await self._link.close()

    # What comes

    def _hear(self, channel: str, message: bytes) -> None:
        if channel == self._inbox:
            self._receive(message)
        elif channel == self._all:
            self._hear_all(message)
        elif channel == self._alive:
            self._hear_alive(message.decode(errors="replace"))
        else:
            self._last_pulses.pop(message.decode(errors="replace"), None)

    def _hear_all(self, message: bytes) -> None:
        try:
            told = _decode(message)
        except msgspec.DecodeError as error:
            log.error("notice not understood: %s", error)
            return
        if told.node != self.node:
            self._receive(told.notice)

    def _hear_alive(self, node: str) -> None:
        if node == self.node:
            return
        if node not in self._last_pulses:
            log.info("%s hears %s", self.node, node)
            self._link.say_pulse()  # so that it need not wait to know of us
        self._last_pulses[node] = self._link.pulses
