"""What an answer is that should have been Engine.IO's handshake."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import httpx
from msgspec import structs

from . import polling
from .findings import Finding, fault
from .target import Target

# Where servers are, by default or habit.
USUAL_PATHS: Final = ("/socket.io/", "/api/socket.io/", "/ws/socket.io/")
# Engine.IO 3 writes the length of each packet before it.
_OF_VERSION_2: Final = re.compile(rb"\d+:0\{")


def explain(target: Target, answer: polling.Answer) -> Finding:
    """Name what answered instead."""
    server = answer.headers.get("server", "something")
    if _OF_VERSION_2.match(answer.body):
        return fault(
            "handshake",
            "the server speaks the protocol of Socket.IO 2",
            "upgrade the server to version 3 or later, or use a client of version 2: the two protocols differ",
        )
    if answer.engine_error == 5:
        return fault(
            "handshake",
            "the server does not speak Engine.IO 4, the protocol of clients of version 3 and 4",
            "upgrade the server, or give it `allowEIO3` and use a client of version 2",
        )
    if answer.status in {502, 503, 504}:
        return fault(
            "handshake",
            f"{server} answers {answer.status}: a proxy that does not reach the server, or a server that takes no more",
            "look whether the server runs, and whether the proxy's `proxy_pass` names its port; the body says:"
            f" {_start_of(answer.body)}",
        )
    if answer.engine_error == 4 or answer.status == 403:
        return fault(
            "handshake",
            f"the handshake of {target.origin or 'a program'} is refused ({answer.status})",
            f"name the page's origin on the server: ORDERCAST_CORS_ORIGINS={target.origin or 'https://...'}",
        )
    if answer.status == 429:
        return fault(
            "handshake",
            f"this address has used up its budget; again in {answer.headers.get('retry-after', 'some')} s",
            "wait, or raise ORDERCAST_BUDGET_HANDSHAKES for shops whose customers share one address",
        )
    return fault(
        "handshake",
        f"no Socket.IO server is at {target.path}: {server} answers {answer.status}, {_start_of(answer.body)!r}",
        "name the server's path (`path` in the client's options, --path here); a proxy must pass it on unchanged",
    )


async def look_elsewhere(target: Target) -> Finding | None:
    """The server, at another path than the one that was named."""
    for path in USUAL_PATHS:
        if path == target.path:
            continue
        with suppress(httpx.HTTPError):
            answer = await polling.open_session(structs.replace(target, path=path))
            if answer.open_packet is not None:
                return fault(
                    "handshake",
                    f"no Socket.IO server is at {target.path}, but one is at {path}",
                    f'the client\'s options want path: "{path}"',
                )
    return None


def _start_of(body: bytes) -> str:
    return " ".join(body[:120].decode(errors="replace").split())
