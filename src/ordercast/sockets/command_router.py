"""Routes commands of sockets: reads the argument, charges the caller's budget, acknowledges result or refusal.

An ack is one argument: ``{data, error: null}``, or for a refusal ``{data: null, error: {code, message, ...}}``, which
closes no connection. A command that carries a `clientId` is done once: sent again, it is answered as it was the first
time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from msgspec import Struct

from ordercast.api.auth import NOBODY, Identity
from ordercast.api.body import convert
from ordercast.api.budgets import COMMANDS, budget_key
from ordercast.api.commands import Command
from ordercast.api.context import ApiContext
from ordercast.api.error_handler import charged, refused_fields
from ordercast.api.errors import SignInRequired
from ordercast.commerce.errors import InvalidField
from ordercast.commerce.people import Role
from ordercast.hub import CommandAck, EventRefused, Server, Socket, success

C = TypeVar("C", bound=Struct)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a command, and through which socket."""

    socket: Socket
    identity: Identity


class CommandRouter:
    """Of one server. A command is a Struct to be read, and a coroutine function that answers it."""

    def __init__(self, server: Server, context: ApiContext) -> None:
        self.context = context
        self._server = server

    def add(self, command: Command[Any]) -> None:
        """Route a noun's command."""

        async def answer(caller: Caller, argument: Any) -> Any:
            return await command.answer(self.context, caller.identity, argument)

        self.on(command.name, command.type, answer)

    def on(self, name: str, type_: type[C], answer: Callable[[Caller, C], Awaitable[Any]]) -> None:
        """Route the command called `name` to `answer`; a refusal that it raises is the ack's error."""

        async def handle(socket: Socket, *args: Any) -> CommandAck:
            whose = _budget_key(socket)
            try:
                self.context.budgets.take_local(COMMANDS, whose)
                caller = Caller(socket, _identity_of(socket))
                return success(await answer(caller, _read(args, type_)))
            except Exception as error:
                fields = refused_fields(charged(self.context.budgets, error, whose))
                if fields is None:
                    raise
                raise EventRefused(**fields) from error

        self._server.event(name, handle)


def _budget_key(socket: Socket) -> str | None:
    """The key of the budget that its commands are charged to."""
    identity: Identity = getattr(socket.data, "identity", NOBODY)
    return budget_key(identity, socket.conn.handshake.caller)


def _identity_of(socket: Socket) -> Identity:
    """The socket's identity. Raises SignInRequired for one without a token."""
    identity: Identity = getattr(socket.data, "identity", NOBODY)
    if identity.actor.role is Role.GUEST and identity.order_id is None:
        raise SignInRequired
    return identity


_ONE_OBJECT: Final = "A command takes one object."


def _read(args: tuple[Any, ...], type_: type[C]) -> C:
    if len(args) > 1 or (args and not isinstance(args[0], dict)):
        raise InvalidField("", _ONE_OBJECT)
    return convert(args[0] if args else {}, type_)
