"""From CONNECT to connected: middlewares, the recovery of a session, the entrance.

All of it is synchronous unless a middleware awaits or the namespace has recovery.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Coroutine, Iterator
from typing import Any

from ordercast.protocol.errors import UnencodableValue
from ordercast.protocol.socketio import PacketType

from .client import Client, Entrance
from .errors import ComeLater, ConnectRefused, GapTooOld
from .namespace import Middleware, Namespace
from .reasons import DisconnectReason
from .recovery import Claim, Recovery, Session, new_pid, new_sid
from .replay_budget import REPLAY_BUDGET, may_replay, replayed
from .socket import Socket, held_by_room

log = logging.getLogger("ordercast.hub")

# The reference's words for a namespace that does not exist; programs compare them.
INVALID_NAMESPACE = "Invalid namespace"


def admit(client: Client, name: str, auth: dict[str, Any], held_bytes: int = 0) -> None:
    """Handle a client's CONNECT to the namespace `name`, for which it is charged `held_bytes`."""
    client.entrances[name] = Entrance(held_bytes)
    try:
        namespace = client.server.find(name) or client.server.dynamic.find(name, auth)
    except Exception as error:  # noqa: BLE001 - whatever a decision raises keeps the client out
        refuse(client, name, error)
        return
    if namespace is None or isinstance(namespace, Namespace):
        _admit_to(client, name, namespace, auth)
    else:
        client.server.spawn(_admit_to_dynamic(client, name, namespace, auth))


async def _admit_to_dynamic(
    client: Client, name: str, deciding: Awaitable[Namespace | None], auth: dict[str, Any]
) -> None:
    try:
        namespace = await deciding
    except Exception as error:  # noqa: BLE001 - as above
        refuse(client, name, error)
        return
    _admit_to(client, name, namespace, auth)


def _admit_to(client: Client, name: str, namespace: Namespace | None, auth: dict[str, Any]) -> None:
    entrance = client.entrances[name]
    if client.closed_for is not None or entrance.is_withdrawn:
        _dismiss(client, name)
        return
    if namespace is None:
        refuse(client, name, ConnectRefused(INVALID_NAMESPACE))
        return
    entrance.namespace = namespace
    namespace.arriving += 1
    socket = Socket(namespace, client, new_sid(), auth)
    remaining = iter(tuple(namespace.middlewares))
    try:
        pending = _run_middlewares(socket, remaining)
        is_decided = pending is None and not _is_covered(socket)
        if is_decided and namespace.places is not None:
            namespace.places.take(socket)
    except Exception as error:  # noqa: BLE001 - whatever a middleware raises keeps the socket out
        refuse(client, name, error)
        return
    if not is_decided:
        client.server.spawn(_admit_later(socket, pending, remaining))
    else:
        _answer(socket)
        socket.take_turns(_enter(socket))


def _dismiss(client: Client, name: str) -> None:
    """Forget an entrance that comes to nothing; the CONNECT that took its place is next."""
    entrance = _end_entrance(client, name)
    if entrance.again is not None and client.closed_for is None:
        admit(client, name, entrance.again, entrance.again_bytes)


def _end_entrance(client: Client, name: str) -> Entrance:
    entrance = client.entrances.pop(name)
    client.release(entrance.held_bytes)
    if entrance.namespace is not None:
        entrance.namespace.arrived()
    return entrance


def _run_middlewares(socket: Socket, remaining: Iterator[Middleware]) -> Awaitable[None] | None:
    for middleware in remaining:
        pending = middleware(socket)
        if pending is not None:
            return pending
    return None


async def _admit_later(socket: Socket, pending: Awaitable[None] | None, remaining: Iterator[Middleware]) -> None:
    client, namespace = socket._client, socket.namespace
    try:
        while pending is not None:
            await pending
            pending = _run_middlewares(socket, remaining)
        claim = Claim.parse(socket.auth)
        gap = await _enter_session(socket, claim) if _is_covered(socket) else None
    except Exception as error:  # noqa: BLE001 - as above
        namespace.sessions.release(socket)
        refuse(client, namespace.name, error)
        return
    is_withdrawn = client.entrances[namespace.name].is_withdrawn
    if client.closed_for is not None or is_withdrawn or not namespace.sessions.owns(socket):
        namespace.sessions.release(socket)
        _dismiss(client, namespace.name)
        return
    if namespace.places is not None:
        try:
            namespace.places.take(socket)
        except ConnectRefused as error:
            namespace.sessions.release(socket)
            refuse(client, namespace.name, error)
            return
    _answer(socket)
    if not _is_covered(socket):
        socket.take_turns(_enter(socket))
    elif claim.offset and gap is None:
        socket.take_turns(_catch_up(socket, claim.offset))
    else:
        # In the turn of the answer: who was cut off between the two has a session and no place in it, and starts anew.
        socket.take_turns(_arrive(socket, gap))


def _is_covered(socket: Socket) -> bool:
    recovery = socket.namespace.recovery
    return recovery is not None and recovery.covers(socket)


# The session


async def _enter_session(socket: Socket, claim: Claim) -> str | None:
    """Resume the session that the client claims, or begin one; gives the reason when what it missed cannot be told.

    An offset is honoured without its session too: whose token opens the rooms may hear what they were told.
    """
    recovery = socket.namespace.recovery
    assert recovery is not None
    session = await _load(recovery, claim.pid) if claim.pid else None
    gap = _find_gap(socket, recovery, claim, session)
    if session is None or gap is not None:
        socket.namespace.sessions.claim(socket, new_pid())
        await _save(recovery, socket.namespace.sessions.describe(socket))
        return gap
    socket.namespace.sessions.claim(socket, session.pid)
    socket.join(*recovery.rooms(socket, session))
    socket.id = session.sid
    socket.recovered = True
    return None


async def _load(recovery: Recovery, pid: str) -> Session | None:
    """The session, or None also when the store is out of order.

    A stock client that is refused does not come back by itself, so it is let in without its session: if it has an
    offset it misses nothing, and otherwise it is told.
    """
    try:
        return await recovery.load(pid)
    except Exception:
        log.exception("session cannot be loaded")
        return None


async def _save(recovery: Recovery, session: Session) -> None:
    try:
        await recovery.save(session)
    except Exception:
        # It is saved again when its rooms change; until then its client comes back as one whose session is unknown.
        log.exception("session cannot be saved: %s", session.sid)


def _find_gap(socket: Socket, recovery: Recovery, claim: Claim, session: Session | None) -> str | None:
    # The identity is compared so that a pid alone, leaked in some log, opens nothing.
    if session is not None and (session.namespace, session.identity) != (socket.namespace.name, socket.identity):
        return "identity_changed"
    if claim.offset:
        return recovery.gap(claim.offset)
    return "session_unknown" if claim.pid else None


# The entrance


def _answer(socket: Socket) -> None:
    """Tell the client that it is connected."""
    client = socket._client
    client.add(socket)
    entrance = _end_entrance(client, socket.namespace.name)
    socket._held_bytes = entrance.held_bytes + sum(map(held_by_room, socket.rooms))
    client.hold(socket._held_bytes)
    socket.connected = True
    answer = {"sid": socket.id} if socket.pid is None else {"sid": socket.id, "pid": socket.pid}
    client.connection.send_apart(client.server.parser.encode(PacketType.CONNECT, socket.namespace.name, answer))
    log.info(
        "socket connected: %s namespace=%s transport=%s recovered=%s",
        socket.id,
        socket.namespace.name,
        socket.transport_name,
        socket.recovered,
    )


async def _catch_up(socket: Socket, offset: str) -> None:
    """Tell the client what it missed, then let it in; what it sends meanwhile waits for its turn.

    After CONNECT, and not before it as the reference does: the stock client keeps early events until it is connected,
    and after another cut keeps them still, so that it would hear them twice.
    """
    namespace, connection = socket.namespace, socket._client.connection
    recovery = namespace.recovery
    assert recovery is not None
    gap = None
    try:
        async for batch in recovery.missed(socket, tuple(socket.rooms), offset):
            if not may_replay(socket):
                raise GapTooOld(REPLAY_BUDGET)
            replayed(socket, len(batch))
            for message in batch:
                connection.send(message)
            await connection.drained()
            if not socket.connected:
                return
    except GapTooOld as error:
        gap = error.reason
    # No await from the last missed event to the rooms: what is told in between would be heard by nobody.
    if not socket.connected:
        return
    pending = _arrive(socket, gap)
    if pending is not None:
        await pending


def _arrive(socket: Socket, gap: str | None) -> Coroutine[Any, Any, None] | None:
    """Tell the client where it stands, and what it could not be told; then let it in."""
    namespace, connection = socket.namespace, socket._client.connection
    recovery = namespace.recovery
    assert recovery is not None
    greeting = recovery.greeting(socket)
    if greeting is not None:
        connection.send(namespace.parser.encode_event(namespace.name, *greeting))
    if gap is not None:
        connection.send(namespace.parser.encode_event(namespace.name, recovery.gap_event, [{"reason": gap}]))
    return _enter(socket)


def _enter(socket: Socket) -> Coroutine[Any, Any, None] | None:
    """Put the socket into its rooms and tell the handlers; gives the rest of them when one must be awaited."""
    socket.namespace.add(socket)
    return socket._run("connection", [socket], None, socket.namespace.handlers("connection"))


def refuse(client: Client, name: str, error: Exception) -> None:
    """Tell the client why it may not come in; only a ConnectRefused says more than that something failed."""
    if client.closed_for is not None or client.entrances[name].is_withdrawn:
        _dismiss(client, name)
        return
    _end_entrance(client, name)
    if isinstance(error, ComeLater):
        log.info("sent away to come later: %s", error)
        client.close(DisconnectReason.FORCED_SERVER_CLOSE)
        return
    try:
        message = client.server.parser.encode(PacketType.CONNECT_ERROR, name, _refusal(error))
    except UnencodableValue as unencodable:
        message = client.server.parser.encode(PacketType.CONNECT_ERROR, name, _refusal(unencodable))
    client.connection.send(message)


def _refusal(error: Exception) -> dict[str, Any]:
    if not isinstance(error, ConnectRefused):
        log.error("middleware failed", exc_info=error)
        return {"message": "Internal server error"}
    return {"message": error.message} if error.data is None else {"message": error.message, "data": error.data}
