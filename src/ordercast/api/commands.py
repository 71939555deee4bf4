"""Socket commands, declared by each noun beside its routes (``COMMANDS``).

Command and route call the same functions. ``sockets.command_router`` registers commands, decodes their argument and
acknowledges the result or error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Struct

from ordercast.commerce.text_patterns import text_matching
from ordercast.db.idempotency import KEY_MAX

from .auth import Identity
from .context import ApiContext

ClientId = Annotated[
    str,
    text_matching(
        r"^[\x21-\x7e]+$(?!\n)", "Visible ASCII characters are wanted, no spaces", min_length=1, max_length=KEY_MAX
    ),
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
    """Documentation of a command for the AsyncAPI document, beyond types and docstrings."""

    data: Any
    """The type of the ack's ``data``."""
    errors: tuple[type[Exception] | str, ...] = ()
    """Errors beyond those of every command: classes, or a ``code``."""
    example: Any
    """An example argument."""
    answer: Any = None
    """The example's ``data``; not needed if `data` is an order."""
    is_echo: bool = False
    """Whether the ack is an echo of the arguments."""


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """A command. `answer` returns the ack's ``data``; an expected error becomes the ack's ``error``."""

    name: str
    type: type[C]
    answer: Callable[[ApiContext, Identity, C], Awaitable[Any]]
    doc: CommandDoc | None = None
    """None only during development: a test requires it."""
