"""A WebSocket connection to the server, on which each text frame is an Engine.IO packet."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from .target import Target

_LOG: Final = logging.getLogger("ordercast.doctor")


class ConnectionClosed(Exception):
    """The server closed the connection."""


class WebSocketConnection(WSListener):
    """Packets as they come; Engine.IO's pings are answered."""

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[str | None] = asyncio.Queue()
        self._transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            packet = frame.get_payload_as_utf8_text()
            if packet.startswith("2"):
                self.send("3" + packet[1:])
            else:
                self._packets.put_nowait(packet)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        del transport
        self._packets.put_nowait(None)

    def send(self, packet: str) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, packet.encode())

    async def receive(self, within_s: float) -> str:
        """The next packet. Raises ConnectionClosed, TimeoutError."""
        async with asyncio.timeout(within_s):
            packet = await self._packets.get()
        if packet is None:
            raise ConnectionClosed
        return packet

    def close(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()


async def connect(target: Target) -> WebSocketConnection:
    """Connect without polling before it. Raises picows' WSError, OSError and TimeoutError."""
    _, listener = await ws_connect(
        WebSocketConnection,
        target.websocket_url,
        extra_headers=target.headers,
        websocket_handshake_timeout=target.patience_s,
        logger_name=_LOG,
    )
    assert isinstance(listener, WebSocketConnection)
    return listener
