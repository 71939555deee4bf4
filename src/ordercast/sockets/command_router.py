"""Routes socket commands: decodes the argument, charges the rate limit, acknowledges the result or error.

An ack has one argument: ``{data, error: null}`` or ``{data: null, error: {code, message, ...}}``. Errors close no
connection. A command with a `clientId` is idempotent: repeated, it gets the first answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from ordercast.api.auth import NOBODY, Identity
from ordercast.api.body import convert
from ordercast.api.budgets import COMMANDS, budget_key
from ordercast.api.commands import Command, CommandDoc
from ordercast.api.context import ApiContext
from ordercast.api.error_handler import charged, refused_fields
from ordercast.api.errors import SignInRequired
from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.hub import CommandAck, EventRefused, Server, Socket, success

C = TypeVar("C", bound=Struct)


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity and socket of a command."""

    socket: Socket
    identity: Identity


@dataclass(frozen=True, slots=True, eq=False)
class RoutedCommand(Generic[C]):
    """The handler of a command, called with the socket and its arguments. An expected error of `answer` becomes the
    ack's error.
    """

    name: str
    type: type[C]
    answer: Callable[[Caller, C], Awaitable[Any]]
    context: ApiContext
    doc: CommandDoc | None
    text: str
    """The description in the AsyncAPI document."""
    is_of_shop: bool = True
    """Whether it is about the shop of ours, where roles of a mapping file's own may do nothing."""
    is_public: bool = False
    """Whether a socket without a token may send it."""

    async def __call__(self, socket: Socket, *args: Any) -> CommandAck:
        whose = _budget_key(socket)
        budgets = self.context.budgets
        try:
            budgets.take_local(COMMANDS, whose)
            caller = Caller(socket, _identity_of(socket, is_public=self.is_public))
            if self.is_of_shop and caller.identity.own_role:
                raise NotPermitted(caller.identity.actor, "use the shop of ours", role=caller.identity.own_role)
            return success(await self.answer(caller, _read(args, self.type)))
        except Exception as error:
            fields = refused_fields(charged(budgets, error, whose))
            if fields is None:
                raise
            raise EventRefused(**fields) from error


@dataclass(frozen=True, slots=True, eq=False)
class SocketHandler:
    """The handler of an event outside of the shop's commands, called with the raw arguments."""

    name: str
    type: Any
    handle: Callable[..., Any]
    doc: CommandDoc

    def __call__(self, socket: Socket, *args: Any) -> Any:
        return self.handle(socket, *args)

    @property
    def text(self) -> str:
        """The description in the AsyncAPI document."""
        return self.handle.__doc__ or ""


class CommandRouter:
    """The commands of one server. A command is a Struct and the coroutine function that handles it."""

    def __init__(self, server: Server, context: ApiContext) -> None:
        self.context = context
        self._server = server

    def add(self, command: Command[Any]) -> None:
        """Route a noun's command."""

        async def answer(caller: Caller, argument: Any) -> Any:
            return await command.answer(self.context, caller.identity, argument)

        answer.__doc__ = command.answer.__doc__
        self.on(command.name, command.type, answer, command.doc)

    def on(
        self,
        name: str,
        type_: type[C],
        answer: Callable[[Caller, C], Awaitable[Any]],
        doc: CommandDoc | None = None,
        *,
        is_of_shop: bool = True,
        is_public: bool = False,
    ) -> None:
        """Route the command called `name` to `answer`, whose docstring is the command's text."""
        text = getattr(answer, "func", answer).__doc__ or ""
        self._server.event(name, RoutedCommand(name, type_, answer, self.context, doc, text, is_of_shop, is_public))


def _budget_key(socket: Socket) -> str | None:
    """The rate limit's key for the socket."""
    identity: Identity = getattr(socket.data, "identity", NOBODY)
    return budget_key(identity, socket.conn.handshake.caller)


def _identity_of(socket: Socket, *, is_public: bool) -> Identity:
    """The socket's identity. Raises SignInRequired for one without a token, unless it needs none."""
    identity: Identity = getattr(socket.data, "identity", NOBODY)
    if identity.is_nobody and not is_public:
        raise SignInRequired
    return identity


_ONE_OBJECT: Final = "A command takes one object."


def _read(args: tuple[Any, ...], type_: type[C]) -> C:
    if len(args) > 1 or (args and not isinstance(args[0], dict)):
        raise InvalidField("", _ONE_OBJECT)
    return convert(args[0] if args else {}, type_)
