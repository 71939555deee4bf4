"""A client's WebSocket frames, made once and sent many times."""

from __future__ import annotations

import json
from typing import Any

# RFC 6455 section 5.3 wants an unpredictable key, to guard proxies. Between two processes on one machine a fixed one
# will do, and costs the server the same to undo.
_MASK = b"\x9d\x41\xf2\x37"

TEXT_FIN = 0x81

UPGRADE_REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def text(payload: bytes) -> bytes:
    """Give a masked text frame."""
    length = len(payload)
    head = bytes((TEXT_FIN, 0x80 | length)) if length < 126 else bytes((TEXT_FIN, 0xFE)) + length.to_bytes(2, "big")
    return head + _MASK + bytes(byte ^ _MASK[at % 4] for at, byte in enumerate(payload))


def event(name: str, *args: Any, ack_id: int | None = None) -> bytes:
    """Give the frame of a Socket.IO event."""
    return text(f"42{'' if ack_id is None else ack_id}{json.dumps([name, *args], separators=(',', ':'))}".encode())


CONNECT = text(b"40")
PONG = text(b"3")
