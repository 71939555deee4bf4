"""What an answer is that should have been Engine.IO's handshake."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import httpx
from msgspec import structs

from . import polling
from .findings import Finding, fault
from .target import Target

# Where servers are, by default or habit.
USUAL_PATHS: Final = ("/socket.io/", "/api/socket.io/", "/ws/socket.io/")
# Engine.IO 3 writes the length of each packet before it.
_OF_VERSION_2: Final = re.compile(rb"\d+:0\{")


def explain(target: Target, answer: polling.TimedResponse) -> Finding:
    """Name what answered instead."""
    sentence, remedy = _of_another_version(answer) or _of_a_status(target, answer) or _of_something_else(target, answer)
    return fault("handshake", sentence, remedy)


def _of_another_version(answer: polling.TimedResponse) -> tuple[str, str] | None:
    if _OF_VERSION_2.match(answer.body):
        return (
            "the server speaks the protocol of Socket.IO 2",
            "upgrade the server to version 3 or later, or use a client of version 2: the two protocols differ",
        )
    if answer.engine_error == 5:
        return (
            "the server does not speak Engine.IO 4, the protocol of clients of version 3 and 4",
            "upgrade the server, or give it `allowEIO3` and use a client of version 2",
        )
    return None


def _of_a_status(target: Target, answer: polling.TimedResponse) -> tuple[str, str] | None:
    server, status = _server_of(answer), answer.status
    if status in {502, 503, 504}:
        return (
            f"{server} answers {status}: a proxy that does not reach the server, or a server that takes no more",
            (
                "look whether the server runs, and whether the proxy's `proxy_pass` names its port; the body says:"
                f" {_start_of(answer.body)}"
            ),
        )
    if status == 403 or answer.engine_error == 4:
        return (
            f"the handshake of {target.origin or 'a program'} is refused ({status})",
            f"name the page's origin on the server: ORDERCAST_CORS_ORIGINS={target.origin or 'https://...'}",
        )
    if status == 421:
        return (
            f"the server does not know {urlsplit(target.url).hostname} as a name of its own (421)",
            (
                "name it on the server: ORDERCAST_ALLOWED_HOSTS; a proxy must pass on Host"
                " (nginx: `proxy_set_header Host $http_host;`)"
            ),
        )
    if status == 429:
        return (
            f"this address has used up its budget; again in {answer.headers.get('retry-after', 'some')} s",
            "wait, or raise ORDERCAST_BUDGET_HANDSHAKES for shops whose customers share one address",
        )
    return None


def _of_something_else(target: Target, answer: polling.TimedResponse) -> tuple[str, str]:
    found = f"{_server_of(answer)} answers {answer.status}, {_start_of(answer.body)!r}"
    return (
        f"no Socket.IO server is at {target.path}: {found}",
        "name the server's path (`path` in the client's options, --path here); a proxy must pass it on unchanged",
    )


def _server_of(answer: polling.TimedResponse) -> str:
    return str(answer.headers.get("server", "something"))


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
