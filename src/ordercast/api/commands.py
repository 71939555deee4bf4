"""Commands that a socket may send, as each noun declares them beside its routes (``COMMANDS``).

The functions that answer them are those that the routes call: an HTTP request and a socket command become one command.
``sockets.command_router`` registers them, reads their argument and acknowledges what they return or refuse.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Struct

from ordercast.commerce.forms import form
from ordercast.db.idempotency import KEY_MAX

from .auth import Identity
from .context import ApiContext

ClientId = Annotated[
    str,
    form(r"^[\x21-\x7e]+$(?!\n)", "Visible ASCII characters are wanted, no spaces", min_length=1, max_length=KEY_MAX),
]
C = TypeVar("C", bound=Struct)


class RepeatableCommand(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A command that may be sent again: what it does is the same once or twice. So a `client_id`, which every command
    takes, need not be kept.
    """

    client_id: ClientId | None = None
    """Of the sender's making: with it a command may be sent again, and is done once."""


class IdempotentCommand(RepeatableCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A command that would be done again. With a `client_id` it is answered as it was the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDoc:
    """What the AsyncAPI document says of a command that its argument's type and its function's docstring do not."""

    data: Any
    """The type of the ack's ``data``."""
    errors: tuple[type[Exception] | str, ...] = ()
    """What it refuses beside what every command may be refused for: classes, or an error's ``code``."""
    example: Any
    """An argument."""
    answer: Any = None
    """The ``data`` that is answered to that; not needed where `data` is an order."""
    is_echo: bool = False
    """Whether the ack is not that of a command, but what was sent."""


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """`answer` gives the ack's ``data``; a refusal that it raises is the ack's ``error``."""

    name: str
    type: type[C]
    answer: Callable[[ApiContext, Identity, C], Awaitable[Any]]
    doc: CommandDoc | None = None
    """None is for a command in the making: a test of the document asks for it."""
