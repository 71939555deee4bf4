"""Recovery: a client that lost its connection comes back as the socket it was, and is sent what it missed.

A theory of operation. In the stock client, recovery is two strings that the server chooses: a ``pid``, the session's
secret name, in the CONNECT answer; and the *offset*, the last string argument of an event. The client presents both in
its next CONNECT (`Claim`). Two independent things follow, each of which may fail alone: *who it was* (its `Session`:
sid, identity, rooms) and *what it missed* (every event for its rooms behind the offset).

A session is *unknown* -> *owned* by a socket -> *kept* without one -> owned again or *forgotten*::

    unknown --connect, new pid--> owned by a socket <--connect with its pid-- kept
    owned --connection lost--> kept           owned --either side disconnects--> forgotten
    owned --the same pid connects again--> owned by the newer socket; the older ends as TAKEN_OVER
    kept  --the store's bound is passed--> forgotten

Who may change what: only `connect` claims a session or begins one; only `sessions.Sessions` knows its owner, and saves
it when rooms change; a `Recovery` stores sessions, and answers what came behind an offset. Nothing else touches either.

The replay is `missed`, an iterator over batches that the connection takes one after another, so that one client makes
us hold one batch. Its invariant: between the last batch and the rooms that the socket joins nothing is awaited, so
every event is in the replay or live, never in neither or both. Until then what the client sends waits in its inbox.

What can go wrong. The offset is of another history, or too old, or the replay budget is spent: the client gets a new
session and `gap_event` with the reason, and fetches the state. The pid is of another identity: likewise, so that a
leaked pid opens nothing. The session is unknown, or its store fails: nobody is refused for that; it gets a new one, and
by its offset alone the replay; without an offset, the gap event. The process is killed: an offset means the same to
whoever reads the same history, so memory loses it and a file or a feed does not. The connection is lost again during
the replay: the client presents the last offset that it took.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import msgspec
from typing_extensions import TypeVar

from ordercast.protocol.message import Message

S_contra = TypeVar("S_contra", contravariant=True, default=Any)
"""The class of the sockets: `Socket`, where a server's are meant."""

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


class Recovery(Protocol[S_contra]):
    """What a namespace needs to give its sockets recovery. Set as `Namespace.recovery`, before serving."""

    @property
    def records_emits(self) -> bool:
        """Whether what is emitted gets its offset here; False when offsets come with the events, as from a feed."""
        ...

    @property
    def gap_event(self) -> str:
        """The event that tells a client that what it missed cannot be replayed, ``{"reason": word}``."""
        ...

    def next_offset(self) -> str:
        """The offset of the event that is about to be recorded. Called only if `records_emits`."""
        ...

    def record(self, message: Message, rooms: Sequence[str], except_: Sequence[str]) -> None:
        """Keep an event that is being emitted, under the offset just given. Called only if `records_emits`."""
        ...

    def covers(self, socket: S_contra) -> bool:
        """Whether this socket is to be remembered at all."""
        ...

    async def save(self, session: Session) -> None:
        """Keep a session. Called on connecting and when rooms change; who connects waits for it, so what takes long,
        as a database may that somebody holds, is better done in the background.
        """
        ...

    async def load(self, pid: str) -> Session | None:
        """The session of that name, if it is kept. What it raises is logged, and counts as None."""
        ...

    async def forget(self, pid: str) -> None:
        """Delete a session: its socket left on purpose."""
        ...

    async def rooms(self, socket: S_contra, session: Session) -> Sequence[str]:
        """Which rooms of a returning session its socket may have again; its rights may have changed meanwhile. Who
        connects waits for it.
        """
        ...

    def gap(self, offset: str) -> str | None:
        """Why what came behind `offset` cannot be replayed, in a word for programs; None when it can."""
        ...

    def missed(self, socket: S_contra, rooms: Sequence[str], offset: str) -> AsyncIterator[Sequence[Message]]:
        """The events for these rooms behind `offset`, in order, in batches.

        When the iterator ends, nothing is missing up to that very turn of the loop: whoever joins the rooms before
        awaiting again receives everything once. Raises GapTooOld when a gap opens meanwhile.
        """
        ...

    def greeting(self, socket: S_contra) -> tuple[str, Sequence[Any]] | None:
        """A small event, with the present offset last, so that a client can recover that has received nothing else.
        None: it cannot, as with the reference.
        """
        ...


class Claim(msgspec.Struct, frozen=True):
    """What a returning client presents in its CONNECT.

    A stock client presents both or neither. One that keeps no `pid` may present an `offset` alone, such as the
    position that came with a snapshot: it gets a session of its own, and every event of its rooms since.
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
