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
    """Resume the session that the client claims, or begin one; gives the reason if a claim could not be met."""
    recovery = socket.namespace.recovery
    assert recovery is not None
    gap = None
    claim = Claim.parse(socket.auth)
    if claim is not None:
        session = await _claimed(socket, recovery, claim)
        if session is None:
            gap = "session_unknown"
        else:
            try:
                await _resume(socket, recovery, session, claim.offset)
            except GapTooOld as error:
                gap = error.reason
            else:
                return None
    socket.namespace.release(socket)
    socket.namespace.claim(socket, new_pid())
    await recovery.save(socket.namespace.session(socket))
    return gap


async def _claimed(socket: Socket, recovery: Recovery, claim: Claim) -> Session | None:
    session = await recovery.load(claim.pid)
    # The identity is compared so that a pid alone, leaked in some log, opens nothing.
    if session is None or (session.namespace, session.identity) != (socket.namespace.name, socket.identity):
        return None
    return session


async def _resume(socket: Socket, recovery: Recovery, session: Session, offset: str) -> None:
    """Send what was missed, then take the old id and rooms. Raises GapTooOld."""
    connection = socket._client.connection
    socket.namespace.claim(socket, session.pid)
    rooms = tuple({*recovery.rooms(socket, session), *socket.rooms})
    # In step with the reference, and with what its client expects, missed events go before the CONNECT answer.
    async for batch in recovery.missed(socket, rooms, offset):
        for message in batch:
            connection.send(message)
        await connection.drained()
        if not socket.namespace.owns(socket) or socket._client.closed_for is not None:
            return
    socket.id = session.sid
    socket.rooms.update(rooms)
    socket.recovered = True


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
