"""The port through which sessions outlive their connections: who was here, and what they missed.

In the stock client, recovery is two strings that the server chooses: a `pid` in the CONNECT answer, and the *offset*,
the last string argument of an event. Whoever implements this port keeps the sessions and can tell what came after an
offset; the hub does the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ordercast.protocol.message import Message

if TYPE_CHECKING:
    from .socket import Socket

# A guessed pid would be a stolen session; 128 bits, as for any bearer secret.
PID_BYTES = 16
# The reference's length: a socket id is also a room, and a guessed one would be a way into it.
SID_BYTES = 15
PID_CHARACTERS_MAX = 64
OFFSET_CHARACTERS_MAX = 128


class Session(msgspec.Struct, frozen=True):
    """What of a socket outlives its connection."""

    pid: str
    sid: str
    namespace: str
    identity: str
    rooms: tuple[str, ...]


class Recovery(Protocol):
    """What a namespace needs to give its sockets recovery."""

    @property
    def records_emits(self) -> bool:
        """Whether what is emitted gets its offset here; False when offsets come with the events, as from a feed."""
        ...

    @property
    def gap_event(self) -> str:
        """The event that tells a client that what it missed cannot be told, ``{"reason": word}``."""
        ...

    def next_offset(self) -> str:
        """The offset of the event that is about to be recorded. Called only if `records_emits`."""
        ...

    def record(self, message: Message, rooms: Sequence[str], except_: Sequence[str]) -> None:
        """Keep an event that is being emitted, under the offset just given. Called only if `records_emits`."""
        ...

    def covers(self, socket: Socket) -> bool:
        """Whether this socket is to be remembered at all."""
        ...

    async def save(self, session: Session) -> None:
        """Keep a session. Called on connecting and when rooms change; who connects waits for it, so what takes long,
        as a database may that somebody holds, is better done behind its back.
        """
        ...

    async def load(self, pid: str) -> Session | None: ...

    async def forget(self, pid: str) -> None:
        """The socket left on purpose."""
        ...

    def rooms(self, socket: Socket, session: Session) -> Sequence[str]:
        """Which rooms of a returning session its socket may have again; its rights may have changed meanwhile."""
        ...

    def gap(self, offset: str) -> str | None:
        """Why what came after `offset` cannot be told, in a word for programs; None when it can."""
        ...

    def missed(self, socket: Socket, rooms: Sequence[str], offset: str) -> AsyncIterator[Sequence[Message]]:
        """Give what these rooms were told after `offset`, in order, in batches.

        When the iterator ends, nothing is missing up to that very turn of the loop: whoever joins the rooms before
        awaiting again hears everything once. Raises GapTooOld when a gap opens meanwhile.
        """
        ...

    def greeting(self, socket: Socket) -> tuple[str, Sequence[Any]] | None:
        """A small event, with the present offset last, so that a client that has heard nothing can recover too. None:
        it cannot, as with the reference.
        """
        ...


class Claim(msgspec.Struct, frozen=True):
    """What a returning client presents in its CONNECT.

    A stock client presents both or neither. One that keeps no `pid` may present an `offset` alone, such as the
    position that came with a snapshot: it gets a session of its own, and all that its rooms were told since.
    """

    pid: str
    offset: str

    @classmethod
    def parse(cls, auth: dict[str, Any]) -> Claim:
        """Read the claim from the auth payload; what we cannot have given counts as absent."""
        return cls(_short(auth.get("pid"), PID_CHARACTERS_MAX), _short(auth.get("offset"), OFFSET_CHARACTERS_MAX))


def _short(value: Any, characters_max: int) -> str:
    return value if isinstance(value, str) and len(value) <= characters_max else ""


def new_pid() -> str:
    """Make the secret by which a client will claim its session."""
    return secrets.token_urlsafe(PID_BYTES)


def new_sid() -> str:
    """Make a socket's public id."""
    return secrets.token_urlsafe(SID_BYTES)
