"""A WebSocket as ASGI brings it: whole messages, read by one coroutine and written by another.

The server beneath has read and bounded the frames (its own option says how large a message may be); what is ours is the
bound of a message, the queue of what its client does not take, and the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from ordercast.hub import Handshake
from ordercast.protocol.engineio import serialize_binary
from ordercast.protocol.errors import MalformedPacket, MessageTooBig
from ordercast.protocol.message import Message

from .asgi import Receive, Send
from .engine import Engine
from .fair_queue import SLICE_PACKETS
from .session import FRAMES_GAP_S, Session
from .websocket_packets import CLOSE_TIMEOUT_S, OK, WebSocketPackets

log = logging.getLogger("ordercast.wire")

_RECEIVE: Final = "websocket.receive"
# The answer to CONNECT, a Socket.IO packet of type 0; see `Session.send_apart`.
_CONNECTED: Final = b"40"


class AsgiWebSocketTransport(WebSocketPackets):
    """A `Transport` over an ASGI connection that was accepted."""

    __slots__ = (
        "_close_code",
        "_deadline",
        "_engine",
        "_handshake",
        "_is_lost",
        "_outgoing",
        "_send",
        "_sending",
        "_session",
        "_text_only",
        "_timer",
        "name",
    )

    def __init__(
        self, engine: Engine, handshake: Handshake, session: Session | None, send: Send, *, text_only: bool
    ) -> None:
        self.name = "websocket"
        self._engine = engine
        self._handshake = handshake
        self._session = session
        self._send = send
        self._text_only = text_only
        """Its client takes no binary frames, and says so by ``b64`` in its query (`forceBase64`)."""
        self._outgoing: deque[Message] = deque()
        """At most one part of the session's backlog, and what a close adds: the session waits while it is sent."""
        self._sending: asyncio.Task[None] | None = None
        self._close_code: int | None = None
        self._is_lost = False
        self._deadline: asyncio.Timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<AsgiWebSocketTransport {'open' if self._is_open else 'closed'} {self._session}>"

    @property
    def _is_open(self) -> bool:
        return self._close_code is None and not self._is_lost

    # Called by the session; see `Transport`

    def write(self, messages: Sequence[Message]) -> None:
        if not self._is_open:
            return
        session = self._session
        if session is not None and session.transport is self:
            session.blocked = True  # until the server has taken it
        self._outgoing.extend(messages)
        self._send_soon()

    def close(self, messages: Sequence[Message], code: int = OK) -> bool:
        if not self._is_open:
            return False
        self._stop_timer()
        self._outgoing.extend(messages)
        self._close_code = code
        # A peer that does not read would hold the connection: it is cut.
        self._deadline.reschedule(asyncio.get_running_loop().time() + CLOSE_TIMEOUT_S)
        self._send_soon()
        return True

    # The connection's coroutine

    async def serve(self, receive: Receive) -> None:
        """Carry the session, or probe for it, until the WebSocket ends."""
        try:
            async with self._deadline:
                self._begin(self._handshake)
                await self._receive_all(receive)
        except TimeoutError:
            if self._sending is not None:
                log.info("cutting off %s, which does not read", self._handshake.address)
        finally:
            self._is_lost = True
            if self._sending is not None:
                self._sending.cancel()
            self._lost()

    async def _receive_all(self, receive: Receive) -> None:
        received = 0
        while (message := await receive())["type"] == _RECEIVE:
            if not self._is_open:
                continue
            try:
                self._receive(message)
            except MalformedPacket as error:
                self._malformed(error)
            received += 1
            if received % SLICE_PACKETS == 0:
                await asyncio.sleep(0)  # what a server has read ahead comes without a wait, and others would

    def _receive(self, message: Any) -> None:
        text = message.get("text")
        data = message.get("bytes") or b"" if text is None else text.encode()
        if len(data) > self._engine.options.message_bytes_max:
            raise MessageTooBig(self._engine.options.message_bytes_max)
        if text is None:
            self._receive_binary(data)
        else:
            self._receive_text(data)

    # Sending

    def _send_soon(self) -> None:
        if self._sending is None:
            self._sending = asyncio.ensure_future(self._send_all())

    async def _send_all(self) -> None:
        try:
            await self._send_outgoing()
            if self._close_code is not None:
                await self._send({"type": "websocket.close", "code": self._close_code})
                # Not every server says that it has ended, and some end it only when we do.
                self._deadline.reschedule(asyncio.get_running_loop().time())
        except Exception as error:  # noqa: BLE001 - each server has its own for a connection that is gone
            log.debug("could not send to %s: %s", self._handshake.address, error)
            self._is_lost = True
            self._outgoing.clear()
        finally:
            self._sending = None

    async def _send_outgoing(self) -> None:
        while self._outgoing:
            message = self._outgoing.popleft()
            await self._send_message(message)
            if message.text.startswith(_CONNECTED) and self._is_open:
                await asyncio.sleep(FRAMES_GAP_S)  # some clients lose the second of two frames that come together
            session = self._session
            if not self._outgoing and session is not None and session.transport is self and self._is_open:
                session.unblock()  # which writes what has waited

    async def _send_message(self, message: Message) -> None:
        if message.text:
            await self._send({"type": "websocket.send", "text": message.text.decode()})
        for attachment in message.attachments:
            if self._text_only:
                await self._send({"type": "websocket.send", "text": serialize_binary(attachment).decode()})
            else:
                await self._send({"type": "websocket.send", "bytes": bytes(attachment)})
