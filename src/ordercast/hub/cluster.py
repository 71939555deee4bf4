"""The other nodes, as this one sees them: what is told to them and asked of them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ordercast.protocol.errors import ProtocolError

from .asking import Gathered
from .bus import Bus, NodesSilent
from .flags import Flags
from .notices import (
    Answer,
    AnyNotice,
    AskClients,
    AskServers,
    AskSockets,
    Disconnect,
    Emit,
    Join,
    Leave,
    Reach,
    ServerSide,
    decode_notice,
    encode_notice,
    pack,
    unpack,
)
from .remote import RemoteSocket
from .service import Service

if TYPE_CHECKING:
    from .namespace import Namespace
    from .server import Server

log = logging.getLogger("ordercast.hub")


class Cluster:
    """Made by a server that has a bus."""

    def __init__(self, server: Server, bus: Bus) -> None:
        self._server = server
        self._bus = bus
        self._node = bus.open(self.receive)
        self._service = Service(server, bus, self._node)
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Queue[Answer]] = {}

    def __repr__(self) -> str:
        return f"<Cluster node={self._node} asked={len(self._asked)}>"

    def start(self) -> None:
        self._bus.start()

    # Telling

    def emit(self, reach: Reach, event: str, args: Sequence[Any], flags: Flags) -> None:
        """Let the other nodes emit this to their sockets."""
        self._tell(Emit(reach, pack(event, args), flags.volatile, flags.compress))

    def join(self, reach: Reach, rooms: tuple[str, ...]) -> None:
        self._tell(Join(reach, rooms))

    def leave(self, reach: Reach, rooms: tuple[str, ...]) -> None:
        self._tell(Leave(reach, rooms))

    def disconnect(self, reach: Reach, *, close: bool) -> None:
        self._tell(Disconnect(reach, close))

    def server_side(self, namespace: str, event: str, args: Sequence[Any]) -> None:
        """Say something to the other servers. Raises UnencodableValue."""
        self._tell(ServerSide(namespace, pack(event, args)))

    def _tell(self, notice: AnyNotice) -> None:
        self._bus.publish(encode_notice(notice))

    # Asking

    async def ask(self, reach: Reach, event: str, args: Sequence[Any], flags: Flags) -> Gathered:
        """Gather the acks of the other nodes' clients; a node that says nothing makes it incomplete."""
        said = pack(event, args)
        timeout_s = flags.timeout_s
        patience_s = None if timeout_s is None else timeout_s + self._server.options.bus_timeout_s
        question = AskClients(self._node, next(self._ids), reach, said, flags.volatile, flags.compress, timeout_s)
        answers, silent = await self._gather(question, patience_s)
        values = [unpack(value)[1:] for answer in answers for value in answer.values]
        return Gathered(values, complete=not silent and all(answer.is_complete for answer in answers))

    async def fetch(self, namespace: Namespace, reach: Reach) -> list[RemoteSocket]:
        """The other nodes' sockets. Raises NodesSilent."""
        question = AskSockets(self._node, next(self._ids), reach)
        answers, silent = await self._gather(question, self._server.options.bus_timeout_s)
        sockets = [RemoteSocket(namespace, facts) for answer in answers for facts in answer.sockets]
        if silent:
            raise NodesSilent(silent, sockets)
        return sockets

    async def ask_servers(self, namespace: str, event: str, args: Sequence[Any], timeout_s: float | None) -> list[Any]:
        """What the handlers on the other nodes return. Raises NodesSilent."""
        question = AskServers(self._node, next(self._ids), namespace, pack(event, args))
        answers, silent = await self._gather(question, timeout_s or self._server.options.bus_timeout_s)
        values = [unpack(value)[1] for answer in answers for value in answer.values]
        if silent:
            raise NodesSilent(silent, values)
        return values

    async def _gather(
        self, question: AskClients | AskSockets | AskServers, timeout_s: float | None
    ) -> tuple[list[Answer], set[str]]:
        """Ask everybody; gives the answers, and the nodes that did not give one in time."""
        silent = set(await self._bus.others())
        answers: list[Answer] = []
        queue = self._asked[question.id] = asyncio.Queue()
        try:
            self._bus.publish(encode_notice(question))
            async with asyncio.timeout(timeout_s):
                while silent:
                    answer = await queue.get()
                    if answer.node in silent:
                        silent.discard(answer.node)
                        answers.append(answer)
        except TimeoutError:
            log.warning("no answer from node %s", ", ".join(sorted(silent)))
        finally:
            del self._asked[question.id]
        return answers, silent

    # Being told

    def receive(self, notice: bytes) -> None:
        """Take a notice of another node. One that we do not understand is logged, and nothing else."""
        try:
            told = decode_notice(notice)
            if isinstance(told, Answer):
                queue = self._asked.get(told.id)
                if queue is not None:
                    queue.put_nowait(told)
            else:
                self._service.do(told)
        except (msgspec.DecodeError, ProtocolError) as error:
            log.error("notice not understood: %s", error)

    async def close(self) -> None:
        await self._bus.close()
