"""What the other nodes have done here: their notices, obeyed and answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, assert_never

import msgspec

from .asking import Gathered, ask
from .broadcast import Broadcast
from .bus import Bus
from .flags import Flags
from .notices import (
    Answer,
    AskClients,
    AskServers,
    AskSockets,
    Disconnect,
    Emit,
    Join,
    Leave,
    Reach,
    Request,
    Said,
    ServerSide,
    SocketFacts,
    encode_notice,
    pack,
    unpack,
)

if TYPE_CHECKING:
    from .server import Server
    from .socket import Socket

log = logging.getLogger("ordercast.hub")

_HERE = Flags(local=True)


class Service:
    """Acts on this node's sockets alone: what came over the bus must not go out over it again."""

    def __init__(self, server: Server, bus: Bus, node: str) -> None:
        self._server = server
        self._bus = bus
        self._node = node

    def do(self, told: Request) -> None:
        """Do what another node asks for. Raises MalformedPacket."""
        match told:
            case Emit():
                self._emit(told)
            case Join():
                self._join(told)
            case Leave():
                self._leave(told)
            case Disconnect():
                self._disconnect(told)
            case ServerSide():
                self._server_side(told)
            case AskSockets():
                self._ask_sockets(told)
            case AskClients():
                self._server.spawn(self._ask_clients(told))
            case AskServers():
                self._server.spawn(self._ask_servers(told))
            case _:
                assert_never(told)

    def _find(self, reach: Reach, flags: Flags = _HERE) -> Broadcast | None:
        namespace = self._server.find(reach.namespace)
        return None if namespace is None else Broadcast(namespace, reach.rooms, reach.excluded, flags)

    def _emit(self, told: Emit) -> None:
        audience = self._find(told.reach, Flags(volatile=told.volatile, compress=told.compress, local=True))
        if audience is not None:
            event, *args = unpack(told.said)
            audience.emit(event, *args)

    def _join(self, told: Join) -> None:
        audience = self._find(told.reach)
        if audience is not None:
            audience.sockets_join(*told.rooms)

    def _leave(self, told: Leave) -> None:
        audience = self._find(told.reach)
        if audience is not None:
            audience.sockets_leave(*told.rooms)

    def _disconnect(self, told: Disconnect) -> None:
        audience = self._find(told.reach)
        if audience is not None:
            audience.disconnect_sockets(close=told.close)

    def _server_side(self, told: ServerSide) -> None:
        namespace = self._server.find(told.namespace)
        if namespace is not None:
            event, *args = unpack(told.said)
            self._server.tell(namespace, event, *args)

    def _ask_sockets(self, asked: AskSockets) -> None:
        audience = self._find(asked.reach)
        sockets = [] if audience is None else [_facts(socket) for socket in audience.sockets()]
        self._answer(asked, Answer(asked.id, self._node, sockets=sockets))

    async def _ask_clients(self, asked: AskClients) -> None:
        flags = Flags(asked.volatile, asked.compress, local=True, timeout_s=asked.timeout_s)
        audience = self._find(asked.reach, flags)
        event, *args = unpack(asked.said)
        gathered = await ask(audience, event, args) if audience is not None else Gathered([], complete=True)
        values = [pack("answer", answer) for answer in gathered.answers]
        self._answer(asked, Answer(asked.id, self._node, values, is_complete=gathered.complete))

    async def _ask_servers(self, asked: AskServers) -> None:
        namespace = self._server.find(asked.namespace)
        event, *args = unpack(asked.said)
        values: list[Said] = []
        try:
            for handler in namespace.handlers(event) if namespace is not None else ():
                value = handler(*args)
                value = await value if hasattr(value, "__await__") else value
                if value is not None and not values:
                    values.append(pack("answer", [value]))
        except Exception:
            log.exception("handler failed: event=%r", event)
        self._answer(asked, Answer(asked.id, self._node, values))

    def _answer(self, asked: AskClients | AskSockets | AskServers, answer: Answer) -> None:
        self._bus.send(asked.node, encode_notice(answer))


def _facts(socket: Socket) -> SocketFacts:
    handshake = socket.handshake
    return SocketFacts(
        socket.id,
        sorted(socket.rooms),
        _portable(socket.data),
        socket.auth,
        list(handshake.raw_headers),
        handshake.raw_query,
        handshake.address,
        handshake.secure,
        handshake.time,
        handshake.path,
    )


def _portable(data: Any) -> Any:
    """What of a socket's data can cross; None where it cannot."""
    try:
        return msgspec.json.decode(msgspec.json.encode(data))
    except (RecursionError, TypeError, ValueError, OverflowError):
        return None
