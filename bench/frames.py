"""A client's WebSocket frames, made once and sent many times."""

from __future__ import annotations

import json
from typing import Any

# RFC 6455 section 5.3 wants an unpredictable key, to guard proxies. Between two processes on one machine a fixed one
# will do, and costs the server the same to undo.
_MASK = b"\x9d\x41\xf2\x37"

TEXT_FIN, PING_FIN, PONG_FIN = 0x81, 0x89, 0x8A

UPGRADE_REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(payload: bytes, first_byte: int = TEXT_FIN) -> bytes:
    """Give a masked frame, of text unless `first_byte` says otherwise."""
    length = len(payload)
    head = bytes((first_byte, 0x80 | length)) if length < 126 else bytes((first_byte, 0xFE)) + length.to_bytes(2, "big")
    return head + _MASK + bytes(byte ^ _MASK[at % 4] for at, byte in enumerate(payload))


def pong(payload: bytes) -> bytes:
    """Give the answer to a WebSocket ping (RFC 6455 section 5.5.3), which uvicorn sends beside Engine.IO's own."""
    return frame(payload, PONG_FIN)


def event(name: str, *args: Any, ack_id: int | None = None) -> bytes:
    """Give the frame of a Socket.IO event."""
    return frame(f"42{'' if ack_id is None else ack_id}{json.dumps([name, *args], separators=(',', ':'))}".encode())


CONNECT = frame(b"40")
PONG = frame(b"3")
