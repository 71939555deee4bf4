"""A socket as the dashboard shows it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from ordercast.hub.handshake import Handshake
from ordercast.hub.socket import Socket

# Past this, what a program keeps with a socket is named by its size: the dashboard shows it for every socket.
DATA_BYTES_MAX: Final = 4_096
# Whoever may see the dashboard is not thereby entitled to be each of its users.
SECRETS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "token",
        "access_token",
        "api_key",
        "jwt",
        "password",
    }
)
HIDDEN: Final = "[hidden]"


def describe_socket(socket: Socket, path: str) -> dict[str, Any]:
    """Everything the dashboard shows of a socket; what would let its reader pose as the client is left out."""
    return {
        "id": socket.id,
        "clientId": describe_client(socket),
        "transport": socket.transport_name,
        "nsp": socket.namespace.name,
        "data": describe_data(socket.data),
        "handshake": describe_handshake(socket.handshake, path),
        "rooms": sorted(socket.rooms),
    }


def describe_client(socket: Socket) -> str:
    """A name for the connection: not its sid nor a part of it, because knowing a sid is being the session."""
    return hashlib.blake2s(socket.conn.sid.encode(), digest_size=6).hexdigest()


def describe_data(data: Any) -> Any:
    """What a program keeps with a socket, as far as it can be shown as JSON."""
    if data is None:
        return {}
    try:
        encoded = msgspec.json.encode(data, enc_hook=_name)
    except (RecursionError, TypeError, ValueError):
        return {"type": type(data).__name__}
    if len(encoded) > DATA_BYTES_MAX:
        return {"type": type(data).__name__, "bytes": len(encoded)}
    return msgspec.json.decode(encoded)


def _name(value: Any) -> str:
    # Not its repr, which may fail, or show what it was never meant to.
    return f"<{type(value).__name__}>"


def describe_handshake(handshake: Handshake, path: str) -> dict[str, Any]:
    query = _without_secrets(handshake.query)
    return {
        "address": handshake.address,
        "headers": _without_secrets(handshake.headers),
        "query": query,
        "issued": int(handshake.time * 1000),
        "secure": handshake.secure,
        "time": timestamp(handshake.time),
        "url": f"{path}?{urlencode(query, safe='[]')}",
        "xdomain": "origin" in handshake.headers,
    }


def _without_secrets(fields: dict[str, str]) -> dict[str, str]:
    return {name: HIDDEN if name.lower() in SECRETS else value for name, value in fields.items()}


def timestamp(seconds: float) -> str:
    """A moment as JavaScript writes a Date in JSON."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
