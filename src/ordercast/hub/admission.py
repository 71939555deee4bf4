"""From CONNECT to connected: middlewares, the recovery of a session, the welcome.

All of it is synchronous unless a middleware awaits or the namespace has recovery.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from typing import Any

from ordercast.protocol.socketio import PacketType, encode, encode_event

from .client import Client
from .errors import ConnectRefused, GapTooOld
from .namespace import Middleware
from .recovery import Claim, Recovery, Session, new_pid, new_sid
from .socket import Socket

log = logging.getLogger("ordercast.hub")

# The reference's words for a namespace that does not exist; programs compare them.
INVALID_NAMESPACE = "Invalid namespace"


def admit(client: Client, name: str, auth: dict[str, Any]) -> None:
    """Handle a client's CONNECT to the namespace `name`."""
    namespace = client.server.find(name)
    if namespace is None:
        refuse(client, name, ConnectRefused(INVALID_NAMESPACE))
        return
    client.pending.add(name)
    socket = Socket(namespace, client, new_sid(), auth)
    remaining = iter(tuple(namespace.middlewares))
    try:
        pending = _run_middlewares(socket, remaining)
    except Exception as error:  # noqa: BLE001 - whatever a middleware raises keeps the socket out
        refuse(client, name, error)
        return
    if pending is not None or _is_covered(socket):
        client.server.spawn(_admit_later(socket, pending, remaining))
    else:
        _welcome(socket)


def _run_middlewares(socket: Socket, remaining: Iterator[Middleware]) -> Awaitable[None] | None:
    for middleware in remaining:
        pending = middleware(socket)
        if pending is not None:
            return pending
    return None


async def _admit_later(socket: Socket, pending: Awaitable[None] | None, remaining: Iterator[Middleware]) -> None:
    client = socket._client
    try:
        while pending is not None:
            await pending
            pending = _run_middlewares(socket, remaining)
        gap = await _enter_session(socket) if _is_covered(socket) else None
    except Exception as error:  # noqa: BLE001 - as above
        socket.namespace.release(socket)
        refuse(client, socket.namespace.name, error)
        return
    # No await between the last missed event and the welcome: what is committed meanwhile would fall between.
    if client.closed_for is not None or not socket.namespace.owns(socket):
        socket.namespace.release(socket)
        client.pending.discard(socket.namespace.name)
        return
    _welcome(socket)
    if gap is not None:
        client.connection.send(encode_event(socket.namespace.name, "resync", [{"reason": gap}]))


def _is_covered(socket: Socket) -> bool:
    recovery = socket.namespace.recovery
    return recovery is not None and recovery.covers(socket)


async def _enter_session(socket: Socket) -> str | None:
    """Resume the session that the client claims, or begin one; then tell it what it missed, or give the reason why not.

    An offset is honoured without its session too: whose token opens the rooms may hear what they were told.
    """
    recovery = socket.namespace.recovery
    assert recovery is not None
    claim = Claim.parse(socket.auth)
    session = await recovery.load(claim.pid) if claim.pid else None
    # The identity is compared so that a pid alone, leaked in some log, opens nothing.
    if session is not None and (session.namespace, session.identity) != (socket.namespace.name, socket.identity):
        await _begin_session(socket, recovery)
        return "identity_changed"
    if session is None:
        await _begin_session(socket, recovery)
        return await _replay(socket, recovery, claim.offset) if claim.offset else _gap_without_offset(claim)
    return await _resume(socket, recovery, session, claim.offset)


def _gap_without_offset(claim: Claim) -> str | None:
    return "session_unknown" if claim.pid else None


async def _begin_session(socket: Socket, recovery: Recovery) -> None:
    socket.namespace.release(socket)
    socket.namespace.claim(socket, new_pid())
    await recovery.save(socket.namespace.session(socket))


async def _resume(socket: Socket, recovery: Recovery, session: Session, offset: str) -> str | None:
    """Take the old id and rooms again, if nothing is missing; otherwise begin anew, and give the reason."""
    socket.namespace.claim(socket, session.pid)
    socket.rooms.update(recovery.rooms(socket, session))
    gap = await _replay(socket, recovery, offset)
    if gap is None:
        socket.id = session.sid
        socket.recovered = True
    elif socket.namespace.owns(socket):
        await _begin_session(socket, recovery)
    return gap


async def _replay(socket: Socket, recovery: Recovery, offset: str) -> str | None:
    """Send what the socket's rooms were told since `offset`; gives the reason when that is not known any more.

    In step with the reference, and with what its client expects, missed events go before the CONNECT answer.
    """
    connection = socket._client.connection
    try:
        async for batch in recovery.missed(socket, tuple(socket.rooms), offset):
            for message in batch:
                connection.send(message)
            await connection.drained()
            if socket._client.closed_for is not None or not socket.namespace.owns(socket):
                return None
    except GapTooOld as error:
        return error.reason
    return None


def _welcome(socket: Socket) -> None:
    """Let the socket in: its CONNECT answer, its rooms, its handlers, in one turn of the loop."""
    client, namespace = socket._client, socket.namespace
    client.add(socket)
    namespace.add(socket)
    answer = {"sid": socket.id} if socket.pid is None else {"sid": socket.id, "pid": socket.pid}
    client.connection.send(encode(PacketType.CONNECT, namespace.name, answer))
    log.info(
        "socket connected: %s namespace=%s transport=%s recovered=%s",
        socket.id,
        namespace.name,
        socket.transport_name,
        socket.recovered,
    )
    if namespace.recovery is not None and socket.pid is not None:
        event, args = namespace.recovery.greeting(socket)
        socket.emit(event, *args)
    socket.take_turns(socket._run("connection", [socket], None, namespace.connection_handlers()))


def refuse(client: Client, name: str, error: Exception) -> None:
    """Tell the client why it may not come in; only a ConnectRefused says more than that something failed."""
    client.pending.discard(name)
    if client.closed_for is not None:
        return
    if isinstance(error, ConnectRefused):
        payload = {"message": error.message}
        if error.data is not None:
            payload["data"] = error.data
    else:
        log.error("middleware failed: namespace=%s", name, exc_info=error)
        payload = {"message": "Internal server error"}
    client.connection.send(encode(PacketType.CONNECT_ERROR, name, payload))
