"""Events of other back ends for our sockets, through Redis, as Socket.IO's own Node.js packages publish them.

An event is published on ``<key>#<namespace>#``, or ``<key>#<namespace>#<room>#`` for a single room; a request on
``<key>-request#<namespace>#``. Each node receives everything and serves its own sockets, so every socket is served
once. Imported only if configured.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final, assert_never

from ordercast.hub.adapter import Flags
from ordercast.hub.broadcast import BroadcastOperator
from ordercast.hub.namespace import OWN_EVENTS
from ordercast.hub.server import Server
from ordercast.hub.socket import Socket
from ordercast.protocol.errors import MalformedPacket, ProtocolError

from .redis_emitter_protocol import (
    Audience,
    DisconnectRequest,
    JoinRequest,
    LeaveRequest,
    ServerSideRequest,
    parse_event,
    parse_request,
)
from .redis_pubsub import HEARTBEAT_S, PubSubState, RedisPubSub

log = logging.getLogger("ordercast.hub")

KEY: Final = "socket.io"
# A back end that publishes garbage must not fill the disk.
LOG_EVERY_S: Final = 10.0


class RedisEmitters:
    """Call `start` in the server's loop, and `close` at the end.

    Whoever can publish under this key is believed: it may emit anything to any socket, move it between rooms and
    disconnect it.
    """

    def __init__(self, server: Server, url: str, *, key: str = KEY, heartbeat_s: float = HEARTBEAT_S) -> None:
        """Raises ValueError for a URL that is none."""
        self._server = server
        self._events = f"{key}#"
        self._requests = f"{key}-request#"
        self._bytes_max = server.options.backlog_bytes_max  # of more, no client could be sent
        self._logged_at = -LOG_EVERY_S
        self.refused = 0
        """Malformed messages."""
        name = secrets.token_hex(6)
        self._pubsub = RedisPubSub(
            url,
            name=f"back ends at {key}",
            on_message=self._on_message,
            heartbeat=(f"{key}-pulse#{name}", name.encode()),
            # By pattern, also because Node.js servers count those who subscribe by name among those who answer them.
            patterns=[f"{_literal(prefix)}*" for prefix in (self._events, self._requests)],
            heartbeat_s=heartbeat_s,
        )

    def __repr__(self) -> str:
        return f"<RedisEmitters {self._events} {self.state} refused={self.refused}>"

    @property
    def state(self) -> PubSubState:
        """Whether events of back ends are received now."""
        return self._pubsub.state

    async def until_up(self) -> None:
        """Wait until events of back ends are received."""
        await self._pubsub.up.wait()

    def start(self) -> None:
        """Begin to receive, in the server's loop."""
        self._pubsub.start()

    async def close(self) -> None:
        """Stop receiving."""
        await self._pubsub.close()

    # What comes

    def _on_message(self, channel: str, message: bytes) -> None:
        try:
            if len(message) > self._bytes_max:
                raise MalformedPacket("message", f"of {len(message)} bytes is past backlog_bytes_max")
            if channel.startswith(self._events):
                self._on_event(channel, message)
            elif channel.startswith(self._requests):
                self._on_request(channel.removeprefix(self._requests).removesuffix("#"), message)
        except ProtocolError as error:
            self._log_refused(channel, error)

    def _log_refused(self, channel: str, error: ProtocolError) -> None:
        self.refused += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            log.error("not understood, from a back end on %.100r: %.200s; so far: %d", channel, error, self.refused)

    def _on_event(self, channel: str, message: bytes) -> None:
        parsed = parse_event(message)
        if not channel.startswith(f"{self._events}{parsed.namespace}#"):
            raise MalformedPacket("packet", "is for another namespace than its channel")
        audience = self._find(parsed.namespace, parsed.audience)
        if audience is not None:
            event, *args = parsed.data
            audience.emit(event, *args)

    def _on_request(self, namespace: str, message: bytes) -> None:
        request = parse_request(message)
        if isinstance(request, ServerSideRequest):
            self._server_side_emit(namespace, request)
        elif request is not None:
            self._move_sockets(namespace, request)

    def _server_side_emit(self, name: str, request: ServerSideRequest) -> None:
        event, *args = request.data
        if event in OWN_EVENTS:
            raise MalformedPacket("request", f"{event!r} has a meaning of its own")
        namespace = self._server.find(name)
        if namespace is not None:
            namespace.notify(event, *args)

    def _move_sockets(self, namespace: str, request: JoinRequest | LeaveRequest | DisconnectRequest) -> None:
        audience = self._find(namespace, request.audience)
        if audience is None:
            return
        match request:
            case JoinRequest():
                audience.sockets_join(*request.names)
            case LeaveRequest():
                audience.sockets_leave(*request.names)
            case DisconnectRequest():
                audience.disconnect_sockets(close=bool(request.close))
            case _:
                assert_never(request)

    def _find(self, name: str, audience: Audience) -> BroadcastOperator[Socket] | None:
        """The sockets addressed on this node; None without such a namespace."""
        namespace = self._server.find(name)
        if namespace is None:
            return None
        given = audience.flags
        flags = Flags(
            volatile=given is not None and bool(given.volatile),
            compress=given is None or given.compress is not False,
            local=True,
        )
        return BroadcastOperator(namespace.adapter, audience.names, audience.excluded, flags)


def _literal(text: str) -> str:
    """Give a pattern of PSUBSCRIBE that matches just this text."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
