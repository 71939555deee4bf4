"""The order of looking: each step needs what the steps before it have found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import httpx
import msgspec

from . import polling, socket_checks
from .clock import check_clock, offset_s_of
from .findings import Finding, StopExamination, fault, good, note
from .handshake import explain, look_elsewhere
from .reachability import check_reachable
from .target import Target
from .token import check_token

# A person notices; a client's own patience is 20 seconds (socket.io-client's `timeout`).
SLOW_S: Final = 2.0
# As many connections as find another node with a chance of 98 %, where a balancer has two and no memory.
STICKY_REQUESTS: Final = 6
# Of the server's own bound for one message. Larger ones are rare, and would be a burden on who is examined.
BODY_SHARE: Final = 0.9
BODY_BYTES_MAX: Final = 1_000_000


async def examine(target: Target) -> AsyncIterator[Finding]:
    """Yield what is found, as it is found. Raises nothing that a server could cause."""
    try:
        yield await check_reachable(target)
        answer = await _handshake(target)
    except StopExamination as stop:
        yield stop.finding
        return
    handshake = answer.open_packet
    assert handshake is not None
    yield _how_quick(answer)
    offset_s = offset_s_of(answer)
    yield check_clock(offset_s)
    if target.origin is not None:
        yield _check_origin(target, answer)
    if target.token is not None and (found := check_token(target.token, offset_s)):
        yield found
    for name, findings in (
        ("polling", _check_polling(target, handshake.sid)),
        ("websocket", socket_checks.check_websocket(target)),
        ("bodies", _check_bodies(target, handshake.max_payload)),
        ("health", _check_health(target)),
    ):
        async for finding in _ended_by_a_fault(name, findings):
            yield finding


async def _ended_by_a_fault(check: str, findings: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    """What a check finds, and what kept it from looking further."""
    try:
        async for finding in findings:
            yield finding
    except StopExamination as stop:
        yield stop.finding
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        yield fault(
            check,
            f"the server, or a proxy before it, ended this without an answer ({type(error).__name__})",
            "look at the server's log and the proxy's error log of this moment",
        )


async def _handshake(target: Target) -> polling.TimedResponse:
    """The handshake by polling, which every client can do. Raises StopExamination."""
    try:
        answer = await polling.open_session(target)
    except httpx.TimeoutException:
        raise StopExamination(
            fault(
                "handshake",
                f"the connection is taken, and nothing answered for {target.patience_s:.0f} s",
                "the process is stopped or busy: look at its CPU and /health/live, and what its loop is doing",
            )
        ) from None
    except httpx.HTTPError as error:
        raise StopExamination(
            fault(
                "handshake",
                f"what listens there does not speak HTTP ({str(error) or type(error).__name__})",
                "is it another program's port, or one of TLS? The URL's scheme and port must be the server's",
            )
        ) from None
    if answer.open_packet is not None:
        return answer
    finding = explain(target, answer)
    if answer.status in {200, 301, 302, 307, 308, 404, 405} and (elsewhere := await look_elsewhere(target)):
        finding = elsewhere
    raise StopExamination(finding)


def _how_quick(answer: polling.TimedResponse) -> Finding:
    said = f"Engine.IO 4 answered in {answer.took_s * 1000:,.0f} ms"
    if answer.took_s < SLOW_S:
        return good("handshake", said)
    return fault(
        "handshake",
        f"{said}: it is behind by seconds",
        "something holds up its event loop, or it has too little CPU: look at its metrics, and what else runs there",
    )


def _check_origin(target: Target, answer: polling.TimedResponse) -> Finding:
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed in {"*", target.origin} or target.origin == target.base:
        return good("origin", f"a page of {target.origin} may connect")
    return fault(
        "origin",
        f"a browser does not show the answers to a page of {target.origin}"
        f" (Access-Control-Allow-Origin: {allowed or 'missing'})",
        f"name it on the server: ORDERCAST_CORS_ORIGINS={target.origin}; elsewhere `cors: {{origin: ...}}`",
    )


async def _check_polling(target: Target, sid: str) -> AsyncIterator[Finding]:
    session = polling.PollingSession(target, sid)
    for _ in range(STICKY_REQUESTS):
        answer = await session.post(b"6")
        if answer.engine_error == 1:
            yield fault(
                "polling",
                "a further request of the session came to another node, which does not know it",
                "make the balancer sticky for polling (nginx: `hash $remote_addr consistent;` in `upstream`), or have"
                ' clients use transports: ["websocket"]',
            )
            return
        if answer.status != 200:
            break
    else:
        yield good("polling", f"{STICKY_REQUESTS} further requests of one session came to the node that knows it")
        with suppress(httpx.HTTPError):
            await session.close()
        return
    yield fault(
        "polling",
        f"a message by POST is answered {answer.status}",
        "a proxy must pass POST, with its query and body, to the same server as GET",
    )


async def _check_bodies(target: Target, max_payload: int) -> AsyncIterator[Finding]:
    """Whether a proxy takes as large a body as the server says that it does."""
    size = int(min(max_payload, BODY_BYTES_MAX) * BODY_SHARE)
    opened = await polling.open_session(target)
    if (packet := opened.open_packet) is None:
        return
    session = polling.PollingSession(target, packet.sid)
    # To a namespace that this session has not entered: read, and then dropped with the session.
    answer = await session.post(b'42["echo","' + b"x" * size + b'"]')
    if answer.status != 413:
        yield good("bodies", f"a message of {size:,} bytes gets through")
        return
    yield fault(
        "bodies",
        f"a message of {size:,} bytes is refused with 413, though the server takes {max_payload:,}",
        f"a proxy's bound is lower: nginx says `client_max_body_size {-(-max_payload // 1_000_000)}m;`",
    )


async def _check_health(target: Target) -> AsyncIterator[Finding]:
    """What an Ordercast server says of itself; others have no such page."""
    answer = await polling.ask(target, f"{target.base}/health/ready")
    with suppress(msgspec.DecodeError, msgspec.ValidationError):
        health = msgspec.json.decode(answer.body, type=_Health)
        said = " ".join([f"the server says that it is {health.status}.", *health.reasons])
        if answer.status != 200:
            yield fault("health", said, "/health/ready has all of it, and the server's log")
        elif health.status == "ready":
            yield good("health", "the server says that it is ready")
        else:
            yield note("health", said)


class _Health(msgspec.Struct):
    """Of `api.health.Health`, what an operator acts on."""

    status: str
    faults: list[str] = []
    warnings: list[str] = []
    damaged: list[str] = []
    parts: dict[str, str] = {}

    @property
    def reasons(self) -> list[str]:
        parts = [f"{name}: {state}." for name, state in self.parts.items() if state != "up"]
        return [*self.faults, *self.warnings, *self.damaged, *parts]
