"""From a client's CONNECT to a connected socket: the namespace, its middlewares, the session, the answer, the replay.

A theory of operation. One CONNECT is one `PendingConnect`, kept by the `Client` under the namespace's name from the
moment it comes until it is answered, and there is never more than one of a name. It goes through these states::

    deciding      the namespace is looked up or, by a parent, decided upon; then its middlewares run, one by one
    recovering    only where the namespace has recovery: the session is loaded and claimed, or a new one is saved
    answered      CONNECT, and the socket is `connected`; or CONNECT_ERROR, or the connection closed (RetryLater)
    replaying     only with an offset: what was missed is sent, batch by batch; what the client sends waits in its inbox
    entered       the socket is in its rooms, and the handlers of ``connection`` run; then the inbox is dispatched

All of it happens in one turn of the loop, unless a decision or a middleware awaits or the namespace has recovery.
Who may change what: this module alone creates and ends a PendingConnect, creates the Socket, and takes it through the
states; `Client` may mark one as withdrawn, and give it the auth of a later CONNECT (`retry_auth`); nobody else may.

What can go wrong, at each await and therefore looked at behind it:

- The connection is lost, or the client disconnects: the pending connect is *withdrawn*; what was claimed is released,
  and nothing is answered.
- The client sends CONNECT again before it is answered, as a page in React's strict mode does: the former is withdrawn,
  and the later starts when the former has come to its end; so nobody can have a thousand middlewares running.
- The same session connects elsewhere: the later claim owns it, and this one is dismissed as if withdrawn.
- A middleware raises: ConnectRefused is the client's error, RetryLater closes the connection so that a stock client
  comes back by itself, anything else is logged and the client gets no more than "Internal server error".
- The session store fails: the client is connected without its session, since a stock client that is refused stays away.
- A bound is reached (`sockets_per_identity_max`, `connection_bytes_max`): as ConnectRefused, or the connection closes.

The invariant that the replay relies on stands in `recovery`: between the last missed event and the rooms no await.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from ordercast.protocol.errors import UnencodableValue
from ordercast.protocol.socketio import PacketType

from .client import Client, PendingConnect
from .disconnect_reason import DisconnectReason
from .errors import ConnectRefused, GapTooOld, RetryLater
from .namespace import Middleware, Namespace
from .recovery import Claim, Recovery, Session, new_pid, new_sid
from .recovery.replay_budget import REPLAY_BUDGET, charge_replay, may_replay
from .socket import Socket

log = logging.getLogger("ordercast.hub")

Found = Namespace[Socket] | None
Find = Callable[[str, dict[str, Any]], Found | Awaitable[Found]]
"""Gives the namespace of a name, perhaps later; raises what keeps the client out."""

# The reference's words for a namespace that does not exist; programs compare them.
INVALID_NAMESPACE = "Invalid namespace"


def connect(client: Client, name: str, auth: dict[str, Any], find: Find, held_bytes: int = 0) -> None:
    """Handle a client's CONNECT to the namespace `name`, for which it is charged `held_bytes`."""
    client.pending_connects[name] = PendingConnect(held_bytes)
    try:
        namespace = find(name, auth)
    except Exception as error:  # noqa: BLE001 - whatever a decision raises keeps the client out
        refuse(client, name, error)
        return
    if namespace is None or isinstance(namespace, Namespace):
        _connect_to(client, name, namespace, auth)
    else:
        client.server.spawn(_connect_when_found(client, name, namespace, auth))


async def _connect_when_found(client: Client, name: str, finding: Awaitable[Found], auth: dict[str, Any]) -> None:
    try:
        namespace = await finding
    except Exception as error:  # noqa: BLE001 - as above
        refuse(client, name, error)
        return
    _connect_to(client, name, namespace, auth)


def _connect_to(client: Client, name: str, namespace: Found, auth: dict[str, Any]) -> None:
    pending_connect = client.pending_connects[name]
    if client.closed_for is not None or pending_connect.is_withdrawn:
        _dismiss(client, name)
        return
    if namespace is None:
        refuse(client, name, ConnectRefused(INVALID_NAMESPACE))
        return
    pending_connect.namespace = namespace
    namespace.connecting += 1
    socket = Socket(namespace, client, new_sid(), auth)
    remaining = iter(tuple(namespace.middlewares))
    try:
        pending = _run_middlewares(socket, remaining)
        is_decided = pending is None and not _is_covered(socket)
        if is_decided and namespace.limiter is not None:
            namespace.limiter.acquire(socket)
    except Exception as error:  # noqa: BLE001 - whatever a middleware raises keeps the socket out
        refuse(client, name, error)
        return
    if not is_decided:
        client.server.spawn(_connect_later(client, socket, pending, remaining))
    else:
        _answer(client, socket)
        socket.queue_until(_enter(socket))


def _dismiss(client: Client, name: str) -> None:
    """Forget a connect that comes to nothing; the CONNECT that took its place is next."""
    pending_connect = _end_pending(client, name)
    if pending_connect.retry_auth is not None and client.closed_for is None:
        client.server.connect(client, name, pending_connect.retry_auth, pending_connect.retry_bytes)


def _end_pending(client: Client, name: str) -> PendingConnect:
    pending_connect = client.pending_connects.pop(name)
    client.release(pending_connect.held_bytes)
    if pending_connect.namespace is not None:
        pending_connect.namespace.connect_decided()
    return pending_connect


def _run_middlewares(socket: Socket, remaining: Iterator[Middleware[Socket]]) -> Awaitable[None] | None:
    for middleware in remaining:
        pending = middleware(socket)
        if pending is not None:
            return pending
    return None


async def _connect_later(
    client: Client, socket: Socket, pending: Awaitable[None] | None, remaining: Iterator[Middleware[Socket]]
) -> None:
    namespace = socket.namespace
    try:
        while pending is not None:
            await pending
            pending = _run_middlewares(socket, remaining)
        claim = Claim.parse(socket.auth)
        gap = await _resume_session(socket, claim) if _is_covered(socket) else None
    except Exception as error:  # noqa: BLE001 - as above
        namespace.sessions.release(socket)
        refuse(client, namespace.name, error)
        return
    is_withdrawn = client.pending_connects[namespace.name].is_withdrawn
    if client.closed_for is not None or is_withdrawn or not namespace.sessions.owns(socket):
        namespace.sessions.release(socket)
        _dismiss(client, namespace.name)
        return
    if namespace.limiter is not None:
        try:
            namespace.limiter.acquire(socket)
        except ConnectRefused as error:
            namespace.sessions.release(socket)
            refuse(client, namespace.name, error)
            return
    _answer(client, socket)
    if not _is_covered(socket):
        socket.queue_until(_enter(socket))
    elif claim.offset and gap is None:
        socket.queue_until(_replay(socket, claim.offset))
    else:
        # In the turn of the answer: who was cut off between the two has a session and no place in it, and starts anew.
        socket.queue_until(_greet(socket, gap))


def _is_covered(socket: Socket) -> bool:
    recovery = socket.namespace.recovery
    return recovery is not None and recovery.covers(socket)


# The session


async def _resume_session(socket: Socket, claim: Claim) -> str | None:
    """Resume the session that the client claims, or begin one; gives the reason when what it missed cannot be replayed.

    An offset is honoured without its session too: whose token opens the rooms may have their events.
    """
    recovery, sessions = socket.namespace.recovery, socket.namespace.sessions
    assert recovery is not None
    session = await _load(recovery, claim.pid) if claim.pid else None
    gap = _find_gap(socket, recovery, claim, session)
    if session is None or gap is not None:
        sessions.claim(socket, new_pid())
        await _save(recovery, sessions.describe(socket))
        return gap
    sessions.claim(socket, session.pid)
    socket.join(*await recovery.rooms(socket, session))
    socket.id = session.sid
    socket.recovered = True
    return None


async def _load(recovery: Recovery, pid: str) -> Session | None:
    """The session, or None also when the store is out of order.

    A stock client that is refused does not come back by itself, so it is connected without its session: if it
    has an offset it misses nothing, and otherwise it gets the gap event.
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


# The answer, the replay, and the rooms


def _answer(client: Client, socket: Socket) -> None:
    """Send the client the CONNECT packet."""
    client.add(socket)
    pending_connect = _end_pending(client, socket.namespace.name)
    socket.charge(pending_connect.held_bytes)
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


async def _replay(socket: Socket, offset: str) -> None:
    """Send the client what it missed, then let it enter; what it sends meanwhile waits in its inbox.

    After CONNECT, and not before it as the reference does: the stock client keeps early events until it is connected,
    and after another cut keeps them still, so that its handlers would get them twice.
    """
    recovery, connection = socket.namespace.recovery, socket.conn
    assert recovery is not None
    gap = None
    try:
        async for batch in recovery.missed(socket, tuple(socket.rooms), offset):
            if not may_replay(socket):
                raise GapTooOld(REPLAY_BUDGET)
            charge_replay(socket, len(batch))
            for message in batch:
                connection.send(message)
            await connection.drained()
            if not socket.connected:
                return
    except GapTooOld as error:
        gap = error.reason
    # No await from the last missed event to the rooms: what is emitted in between would be received by nobody.
    if not socket.connected:
        return
    pending = _greet(socket, gap)
    if pending is not None:
        await pending


def _greet(socket: Socket, gap: str | None) -> Coroutine[Any, Any, None] | None:
    """Send the client its present offset, and the gap if there is one; then let it enter."""
    namespace = socket.namespace
    recovery = namespace.recovery
    assert recovery is not None
    greeting = recovery.greeting(socket)
    if greeting is not None:
        socket.conn.send(namespace.parser.encode_event(namespace.name, *greeting))
    if gap is not None:
        socket.conn.send(namespace.parser.encode_event(namespace.name, recovery.gap_event, [{"reason": gap}]))
    return _enter(socket)


def _enter(socket: Socket) -> Coroutine[Any, Any, None] | None:
    """Put the socket into its rooms and run the handlers; gives the rest of them when one must be awaited."""
    socket.namespace.add(socket)
    return socket.run_connection_handlers()


# The refusal


def refuse(client: Client, name: str, error: Exception) -> None:
    """Send the client a CONNECT_ERROR; only a ConnectRefused shows more than that something failed."""
    if client.closed_for is not None or client.pending_connects[name].is_withdrawn:
        _dismiss(client, name)
        return
    _end_pending(client, name)
    if isinstance(error, RetryLater):
        log.info("connection closed, to be retried later: %s", error)
        client.close(DisconnectReason.FORCED_SERVER_CLOSE)
        return
    try:
        message = client.server.parser.encode(PacketType.CONNECT_ERROR, name, _error_payload(error))
    except UnencodableValue as unencodable:
        message = client.server.parser.encode(PacketType.CONNECT_ERROR, name, _error_payload(unencodable))
    client.connection.send(message)


def _error_payload(error: Exception) -> dict[str, Any]:
    if not isinstance(error, ConnectRefused):
        log.error("middleware failed", exc_info=error)
        return {"message": "Internal server error"}
    return {"message": error.message} if error.data is None else {"message": error.message, "data": error.data}
