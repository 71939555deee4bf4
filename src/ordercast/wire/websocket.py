"""The WebSocket transport: carries a session from its start, or takes over from polling (section "Upgrade").

picows parses the frames (RFC 6455); what it leaves to us is fragments, the bound of a whole message, and reserved bits.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, MutableSet, Sequence
from typing import Any, cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeResponse

from ordercast.hub import Handshake
from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.message import Message
from ordercast.protocol.websocket import MessageAssembler, Opcode, serialize_frame

from .engine import Engine
from .fair_queue import ReadThrottle
from .session import Session
from .websocket_packets import CLOSE_TIMEOUT_S, OK, WebSocketPackets

# Past this, pongs are not sent: a client could otherwise fill our memory with the answers that it does not read.
PONG_BACKLOG_BYTES_MAX = 65_536
# Packets and kilobytes that a client may send before it counts as one that sends much: far more than a person causes.
ALLOWANCE = 64
ALLOWANCE_PER_S = 1_280


class WebSocketTransport(WebSocketPackets, WSListener):
    """A `Transport` over picows: its listener on the one side, the session's transport on the other."""

    __slots__ = (
        "_allowance",
        "_allowed_at_s",
        "_assembler",
        "_connections",
        "_engine",
        "_handshake",
        "_session",
        "_timer",
        "_write",
        "_ws",
        "name",
    )

    def __init__(
        self, engine: Engine, handshake: Handshake, session: Session | None, connections: MutableSet[Any]
    ) -> None:
        self.name = "websocket"
        self._connections = connections
        """uvicorn's register of whom to shut down; without it a graceful stop would miss us."""
        self._engine = engine
        self._handshake = handshake
        self._session = session
        """The session that it carries; until the upgrade, still carried by polling."""
        self._assembler = MessageAssembler(engine.options.message_bytes_max)
        self._allowance = ALLOWANCE
        self._allowed_at_s = asyncio.get_running_loop().time()
        self._timer: asyncio.TimerHandle | None = None
        self._ws: WSTransport | None = None
        self._write: Callable[[bytes], None] = _discard

    def __repr__(self) -> str:
        return f"<WebSocketTransport {'open' if self._ws is not None else 'closed'} {self._session}>"

    # Called by the session, and for a stop; see `Transport` and `WebSocketPackets`

    @property
    def _is_open(self) -> bool:
        return self._ws is not None

    def write(self, messages: Sequence[Message]) -> None:
        if len(messages) == 1:
            message = messages[0]
            self._write(message._frames or message.frames)  # made already, for all but the first of an audience
        else:
            self._write(b"".join([message.frames for message in messages]))

    def close(self, messages: Sequence[Message], code: int = OK) -> bool:
        ws, self._ws = self._ws, None
        if ws is None:
            return False
        if messages:
            self.write(messages)
        self._hang_up(ws, code)
        return True

    # Called by picows

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._connections.add(self)
        self._ws = transport
        self._write = transport.underlying_transport.write
        # picows keeps both for as long as the connection: an eighth of all that an idle one holds.
        transport.request.headers = transport.response.headers = _NO_HEADERS
        self._begin(self._handshake)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if transport.is_close_frame_sent:
            # By picows: it parses one frame ahead of the one that it gives us, and closes at once upon a broken one.
            self._write = _discard
            return
        kind = frame.msg_type
        self._allowance -= 1 + (frame.payload_size >> 10)
        if self._allowance <= 0:
            self._renew_allowance()
        try:
            if frame.rsv1 or frame.rsv2 or frame.rsv3:
                self._receive_reserved(frame)
            elif kind is WSMsgType.TEXT and frame.fin and not self._assembler.started:
                self._receive_text(frame.get_payload_as_bytes())
            elif kind in _DATA:
                self._assemble(frame)
            elif kind is WSMsgType.PING:
                self._answer_ping(frame)
            elif kind is WSMsgType.CLOSE:
                self._peer_closed(frame)
        except MalformedPacket as error:
            self._malformed(error)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        self._connections.discard(self)
        self._ws = None
        self._write = _discard
        self._lost()

    def pause_writing(self) -> None:
        if self._carries():
            cast(Session, self._session).blocked = True

    def resume_writing(self) -> None:
        if self._carries():
            cast(Session, self._session).unblock()

    # Receiving

    def _renew_allowance(self) -> None:
        """Refill the allowance for the time that has passed; a client that has used it up is throttled from then on."""
        ws, now_s = self._ws, asyncio.get_running_loop().time()
        earned = (now_s - self._allowed_at_s) * ALLOWANCE_PER_S
        self._allowance = min(ALLOWANCE, self._allowance + round(earned))
        self._allowed_at_s = now_s
        if self._allowance <= 0 and ws is not None:
            self._allowance = sys.maxsize
            transport = ws.underlying_transport
            ReadThrottle(self._engine.fair_queue, transport, transport.get_protocol())

    def _receive_reserved(self, frame: WSFrame) -> None:
        """RFC 6455 section 5.2: no extension was negotiated that gives the reserved bits a meaning."""
        del frame
        raise MalformedPacket("WebSocket frame", "has reserved bits set")

    def _assemble(self, frame: WSFrame) -> None:
        kind = cast(int, frame.msg_type)
        message = self._assembler.receive_frame(kind, frame.get_payload_as_bytes(), fin=bool(frame.fin))
        if message is not None:
            self._receive_message(*message)

    def _receive_message(self, opcode: Opcode, data: bytes) -> None:
        if opcode is Opcode.TEXT:
            self._receive_text(data)
        else:
            self._receive_binary(data)

    def _answer_ping(self, frame: WSFrame) -> None:
        """RFC 6455 section 5.5.3 leaves unanswered pings to us, when a later one is answered."""
        ws = self._ws
        if ws is not None and ws.underlying_transport.get_write_buffer_size() <= PONG_BACKLOG_BYTES_MAX:
            self._write(serialize_frame(Opcode.PONG, frame.get_payload_as_bytes()))

    def _peer_closed(self, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        code = int.from_bytes(payload[:2], "big") if payload else 1000
        if code in _UNSENDABLE_CODES or not 1000 <= code < 5000:
            raise MalformedPacket("WebSocket frame", f"closes with the code {code}")
        ws, self._ws = self._ws, None
        if ws is not None:
            # RFC 6455 section 5.5.1: the answer echoes the code; 1005 is only for saying that there was none.
            self._hang_up(ws, code)

    def _hang_up(self, ws: WSTransport, code: int) -> None:
        """Send the close frame and end the connection once all is handed over; a peer that does not read is cut."""
        self._write = _discard
        self._stop_timer()
        ws.send_close(WSCloseCode(code))
        ws.disconnect()
        if ws.underlying_transport.get_write_buffer_size():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(CLOSE_TIMEOUT_S, ws.underlying_transport.abort)


class TextWebSocketTransport(WebSocketTransport):
    """A WebSocket whose client takes no binary frames, and says so by ``b64`` in its query (`forceBase64`)."""

    __slots__ = ()

    def write(self, messages: Sequence[Message]) -> None:
        self._write(b"".join([message.text_frames for message in messages]))


# RFC 6455 section 7.4.1: they stand for what happened without a close frame.
_UNSENDABLE_CODES = frozenset({1004, 1005, 1006, 1015})
_DATA = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION})


_NO_HEADERS = WSUpgradeResponse.create_error_response(400).headers


def _discard(data: bytes) -> None:
    """Discard what is written to a closed transport."""
