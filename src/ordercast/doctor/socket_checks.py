"""What happens on a WebSocket: the upgrade, the namespace, the token, and how quickly an event is answered."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from picows import WSError, WSHandshakeError

from . import websocket
from .findings import Finding, StopExamination, fault, good, note
from .target import Target
from .token import REMEDIES
from .websocket import ConnectionClosed, WebSocketConnection

ECHOES: Final = 5
# Most networks of a continent are below; a phone's is not held up by a second.
SLOW_S: Final = 1.0


async def check_websocket(target: Target) -> AsyncIterator[Finding]:
    """Raises StopExamination where nothing more can be seen."""
    try:
        connection = await websocket.connect(target)
    except (WSError, OSError, TimeoutError) as error:
        raise StopExamination(_refused(error)) from None
    try:
        yield good("websocket", "WebSocket connects")
        await _receive(connection, target, "websocket")
        yield await _enter(connection, target)
        yield await _echo(connection, target)
    finally:
        connection.close()


def _refused(error: Exception) -> Finding:
    status = error.response.status if isinstance(error, WSHandshakeError) and error.response is not None else None
    said = f"answered {int(status)}" if status is not None else f"ended ({str(error) or type(error).__name__})"
    return fault(
        "websocket",
        f"polling works and WebSocket does not: the upgrade is {said}",
        "a proxy must pass the upgrade on; nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
        " proxy_set_header Connection $connection_upgrade;",
    )


async def _enter(connection: WebSocketConnection, target: Target) -> Finding:
    """Send CONNECT; tell how it was answered. Raises StopExamination."""
    auth = msgspec.json.encode(target.auth).decode() if target.auth else ""
    connection.send(f"40{target.prefix}{auth}")
    answer = await _receive(connection, target, "namespace")
    kind, _, payload = answer.partition("{")
    document = _decoded("{" + payload) if payload else {}
    if kind.startswith("40"):
        who = "with this token" if target.token else "without a token"
        return good("namespace", f"{target.namespace} lets one in {who}")
    if not kind.startswith("44"):
        raise StopExamination(fault("namespace", f"CONNECT is answered {answer[:60]!r}", "is it a Socket.IO server?"))
    message = str(document.get("message", ""))
    data = document.get("data")
    code = str(data.get("code", "")) if isinstance(data, dict) else ""
    if message == "Invalid namespace":
        remedy = f"name one that the server has; io(url) is of `/`, io(url + {target.namespace!r}) of this one"
        raise StopExamination(fault("namespace", f"the server has no namespace {target.namespace}", remedy))
    remedy = REMEDIES.get(code, "the sentence is the server's own: its middleware refused")
    raise StopExamination(
        fault("token", f"{target.namespace} refuses: {message}" + (f" ({code})" if code else ""), remedy)
    )


async def _echo(connection: WebSocketConnection, target: Target) -> Finding:
    """Time events and their acks."""
    times = []
    for index in range(ECHOES):
        began_s = time.monotonic()
        connection.send(f'42{target.prefix}{index}["echo",{index}]')
        wanted = f"43{target.prefix}{index}"
        try:
            while not (await connection.receive(target.patience_s)).startswith(wanted):
                pass
        except TimeoutError:
            return note(
                "echo", "the server has no `echo` and acknowledges no unknown event: how quick it is, is not known"
            )
        except ConnectionClosed:
            return fault(
                "echo", "the connection was closed at the first event", "look at the server's log of this moment"
            )
        times.append(time.monotonic() - began_s)
    median = statistics.median(times)
    said = f"an event is acknowledged in {median * 1000:,.1f} ms (median of {ECHOES}; {max(times) * 1000:,.1f} at most)"
    if median < SLOW_S:
        return good("echo", said)
    return fault(
        "echo",
        f"{said}, though the server is near: something holds back what is sent",
        "a proxy that buffers (nginx: `proxy_buffering off;`), or a server whose loop is held up",
    )


async def _receive(connection: WebSocketConnection, target: Target, check: str) -> str:
    """Raises StopExamination where nothing comes."""
    try:
        return await connection.receive(target.patience_s)
    except TimeoutError:
        finding = fault(
            check,
            f"the connection is open, and nothing came for {target.patience_s:.0f} s",
            "a proxy that buffers (nginx: `proxy_buffering off;`), or a server that is held up",
        )
    except ConnectionClosed:
        finding = fault(check, "the server, or a proxy, closed the connection at once", "look at both logs")
    raise StopExamination(finding)


def _decoded(text: str) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return {}
    return document if isinstance(document, dict) else {}
