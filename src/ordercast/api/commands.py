"""Commands that a socket may send, as each noun declares them beside its routes (``COMMANDS``).

The functions that answer them are those that the routes call: an HTTP request and a socket command become one command.
``sockets.command_router`` registers them, reads their argument and acknowledges what they return or refuse.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Meta, Struct

from ordercast.db.idempotency import KEY_MAX

from .auth import Identity
from .context import ApiContext

ClientId = Annotated[str, Meta(min_length=1, max_length=KEY_MAX, pattern=r"^[\x21-\x7e]+$(?!\n)")]
C = TypeVar("C", bound=Struct)


class IdempotentCommand(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A command that changes something. With a `client_id` it may be sent again without being done again."""

    client_id: ClientId | None = None


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """`answer` gives the ack's ``data``; a refusal that it raises is the ack's ``error``."""

    name: str
    type: type[C]
    answer: Callable[[ApiContext, Identity, C], Awaitable[Any]]
