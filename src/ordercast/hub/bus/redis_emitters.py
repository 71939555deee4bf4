"""What other back ends say to our sockets through Redis, in the words of Socket.IO's own Node.js packages.

An event is published on ``<key>#<namespace>#``, or ``<key>#<namespace>#<room>#`` for a single room; a request on
``<key>-request#<namespace>#``. Each node hears everything and serves its own sockets, so every socket is served once.
Loaded only where asked for.
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

from .redis_emitter_protocol import Audience, Disconnect, Join, Leave, ServerSide, parse_event, parse_request
from .redis_pubsub import PULSE_S, LinkState, RedisLink

log = logging.getLogger("ordercast.hub")

KEY: Final = "socket.io"
# A back end that says nothing but nonsense must not fill the disk.
COMPLAIN_EVERY_S: Final = 10.0


class RedisBackends:
    """Call `start` in the server's loop, and `close` at the end.

    Whoever can publish under this key is believed: it may say anything to any socket, move it between rooms and send
    it away.
    """

    def __init__(self, server: Server, url: str, *, key: str = KEY, pulse_s: float = PULSE_S) -> None:
        """Raises ValueError for a URL that is none."""
        self._server = server
        self._events = f"{key}#"
        self._requests = f"{key}-request#"
        self._bytes_max = server.options.backlog_bytes_max  # of more, no client could be told
        self._complained_at = -COMPLAIN_EVERY_S
        self.refused = 0
        """Messages that were not understood."""
        name = secrets.token_hex(6)
        self._link = RedisLink(
            url,
            name=f"back ends at {key}",
            hear=self._hear,
            pulse=(f"{key}-pulse#{name}", name.encode()),
            # By pattern, also because Node.js servers count those who subscribe by name among those who answer them.
            patterns=[f"{_literal(prefix)}*" for prefix in (self._events, self._requests)],
            pulse_s=pulse_s,
        )

    def __repr__(self) -> str:
        return f"<RedisBackends {self._events} {self.state} refused={self.refused}>"

    @property
    def state(self) -> LinkState:
        """Whether back ends are heard now."""
        return self._link.state

    async def until_up(self) -> None:
        """Wait until back ends are heard."""
        await self._link.up.wait()

    def start(self) -> None:
        self._link.start()

    async def close(self) -> None:
        await self._link.close()

    # What comes

    def _hear(self, channel: str, message: bytes) -> None:
        try:
            if len(message) > self._bytes_max:
                raise MalformedPacket("message", f"of {len(message)} bytes is past backlog_bytes_max")
            if channel.startswith(self._events):
                self._event(channel, message)
            elif channel.startswith(self._requests):
                self._request(channel.removeprefix(self._requests).removesuffix("#"), message)
        except ProtocolError as error:
            self._complain(channel, error)

    def _complain(self, channel: str, error: ProtocolError) -> None:
        self.refused += 1
        now = time.monotonic()
        if now - self._complained_at >= COMPLAIN_EVERY_S:
            self._complained_at = now
            log.error("not understood, from a back end on %.100r: %.200s; so far: %d", channel, error, self.refused)

    def _event(self, channel: str, message: bytes) -> None:
        said = parse_event(message)
        if not channel.startswith(f"{self._events}{said.namespace}#"):
            raise MalformedPacket("packet", "is for another namespace than its channel")
        audience = self._find(said.namespace, said.audience)
        if audience is not None:
            event, *args = said.data
            audience.emit(event, *args)

    def _request(self, namespace: str, message: bytes) -> None:
        request = parse_request(message)
        if isinstance(request, ServerSide):
            self._tell(namespace, request)
        elif request is not None:
            self._obey(namespace, request)

    def _tell(self, name: str, request: ServerSide) -> None:
        event, *args = request.data
        if event in OWN_EVENTS:
            raise MalformedPacket("request", f"{event!r} has a meaning of its own")
        namespace = self._server.find(name)
        if namespace is not None:
            namespace.notify(event, *args)

    def _obey(self, namespace: str, request: Join | Leave | Disconnect) -> None:
        audience = self._find(namespace, request.audience)
        if audience is None:
            return
        match request:
            case Join():
                audience.sockets_join(*request.names)
            case Leave():
                audience.sockets_leave(*request.names)
            case Disconnect():
                audience.disconnect_sockets(close=bool(request.close))
            case _:
                assert_never(request)

    def _find(self, name: str, audience: Audience) -> BroadcastOperator[Socket] | None:
        """Whoever is meant on this node; None without such a namespace."""
        namespace = self._server.find(name)
        if namespace is None:
            return None
        said = audience.flags
        flags = Flags(
            volatile=said is not None and bool(said.volatile),
            compress=said is None or said.compress is not False,
            local=True,
        )
        return BroadcastOperator(namespace.adapter, audience.names, audience.excluded, flags)


def _literal(text: str) -> str:
    """Give a pattern of PSUBSCRIBE that matches just this text."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
