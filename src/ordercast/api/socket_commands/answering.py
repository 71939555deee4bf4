"""How a command is read, done once and answered."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from ordercast.api.auth import NOBODY, Identity
from ordercast.api.body import convert
from ordercast.api.budgets import COMMANDS, who
from ordercast.api.desk import FrontDesk
from ordercast.api.errors import charged, refused_fields
from ordercast.api.refusals import SignInRequired
from ordercast.api.shown import shown_now
from ordercast.commerce.errors import InvalidField
from ordercast.commerce.people import Actor, Role
from ordercast.db import Row, Transaction, UnitOfWork, rows_of_order
from ordercast.db.idempotency import KEY_MAX, RequestKey, once
from ordercast.hub import CommandAck, EventRefused, Server, Socket, success

ClientId = Annotated[str, Meta(min_length=1, max_length=KEY_MAX, pattern=r"^[\x21-\x7e]+$(?!\n)")]
C = TypeVar("C", bound=Struct)


class Repeatable(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A command that changes something. With a `client_id` it may be sent again without being done again."""

    client_id: ClientId | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a command, and through which socket."""

    socket: Socket
    identity: Identity

    @property
    def actor(self) -> Actor:
        return self.identity.actor


class Commands:
    """Registers commands on a server: each is a Struct to be read, and a coroutine function that answers it."""

    def __init__(self, server: Server, desk: FrontDesk) -> None:
        self.desk = desk
        self._server = server

    def add(self, name: str, type_: type[C], answer: Callable[[Caller, C], Awaitable[Any]]) -> None:
        """Answer the command called `name`; what `answer` raises of what may be told is the ack's error."""

        async def handle(socket: Socket, *args: Any) -> CommandAck:
            whose = _whose(socket)
            try:
                self.desk.budgets.take_here(COMMANDS, whose)
                caller = Caller(socket, _someone(socket))
                return success(await answer(caller, _read(args, type_)))
            except Exception as error:
                fields = refused_fields(charged(self.desk.budgets, error, whose))
                if fields is None:
                    raise
                raise EventRefused(**fields) from error

        self._server.event(name, handle)

    async def once(
        self,
        caller: Caller,
        name: str,
        command: Repeatable,
        effect: Callable[[Transaction], bytes],
        *,
        rows: frozenset[Row] = frozenset(),
    ) -> Any:
        """Run `effect`, which needs `rows`, in a unit of work, and keep its answer with it if the command has a client
        id.

        Gives the answer's JSON, read. Raises KeyReused, and what `effect` does.
        """
        return msgspec.json.decode(await self._answer(caller, name, command, effect, rows))

    async def once_on_order(
        self,
        caller: Caller,
        name: str,
        command: Repeatable,
        effect: Callable[[Transaction], bytes],
        order_id: str,
    ) -> Any:
        """As `once`, for an effect that answers that order: gives it as the caller may see it."""
        answer = await self._answer(caller, name, command, effect, rows_of_order(order_id))
        return msgspec.json.decode(await shown_now(self.desk.store, answer, caller.actor))

    async def _answer(
        self,
        caller: Caller,
        name: str,
        command: Repeatable,
        effect: Callable[[Transaction], bytes],
        rows: frozenset[Row],
    ) -> bytes:
        key = _key(caller, name, command)
        now = self.desk.now()
        outcome = await self.desk.store.write(UnitOfWork(lambda transaction: once(transaction, key, now, effect), rows))
        return outcome.answer


def _whose(socket: Socket) -> str | None:
    """Whose budget its commands are charged to."""
    identity: Identity = getattr(socket.data, "identity", NOBODY)
    return who(identity, socket.conn.handshake.caller)


def _someone(socket: Socket) -> Identity:
    """Who the socket is. Raises SignInRequired for one that showed no token."""
    identity: Identity = getattr(socket.data, "identity", NOBODY)
    if identity.actor.role is Role.GUEST and identity.order_id is None:
        raise SignInRequired
    return identity


_ONE_OBJECT: Final = "A command takes one object."


def _read(args: tuple[Any, ...], type_: type[C]) -> C:
    if len(args) > 1 or (args and not isinstance(args[0], dict)):
        raise InvalidField("", _ONE_OBJECT)
    return convert(args[0] if args else {}, type_)


def _key(caller: Caller, name: str, command: Repeatable) -> RequestKey | None:
    if command.client_id is None:
        return None
    # Who is named by the socket's identity: every guest is alike to the shop, but not their orders.
    fingerprint = hashlib.sha256(msgspec.json.encode(command, order="sorted")).digest()
    return RequestKey(f"{caller.socket.identity} socket:{name}", command.client_id, fingerprint)
