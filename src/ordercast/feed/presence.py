"""Presence in conversations, and the event ``participants``.

A participant is a side of a conversation: the shop, its customer, a driver. Several people may be behind one, such as
clerks; it is present while one of them is.

Theory of operation:

- **A person is present while one of their sockets is in the conversation's room**, on any node. Each node counts its
own sockets per person, so tabs and devices are one person, and publishes when a count leaves 0 or returns to it
(`PresencePeers`). So this node knows, for each person, on how many nodes they are.
- **A lost connection is not an absence yet.** Stock clients and reloaded pages are back within seconds, so a person
stays present for `LINGER_S` after a transport loss. A deliberate disconnect or a ping timeout ends presence at once. A
session that waits for recovery does not prolong it.
- **The event is the whole state**, so the newest wins and any may be dropped: it has no offset, and each node emits it
to its own sockets. `joined` and `left` are the difference to the last event.
- **n people cost n, not n squared.** A conversation's changes are batched: the next event goes out after
`NOTIFY_EVERY_S`, or later for large audiences, so that a conversation causes at most `SENDS_PER_S_MAX`. Above
`LISTED_MAX` people only counts are sent, and pages read names by the API.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Protocol

from ordercast.commerce.conversations import CUSTOMER_SIDE, STORE_SIDE, role_of
from ordercast.commerce.people import STAFF, Role
from ordercast.commerce.rooms import CONVERSATION_PREFIX, conversation_room
from ordercast.hub import DisconnectReason, Namespace, Socket

from .event_types import ParticipantsPayload, PresentParticipant

# Batches the sockets of one page, or all clients that return after a restart.
NOTIFY_EVERY_S: Final = 0.1
# So many names are 8 kB; nobody reads more.
LISTED_MAX: Final = 100
# Per conversation; 10,000 people get an update every two seconds.
SENDS_PER_S_MAX: Final = 5_000
# Conversations flushed per turn of the loop: ten milliseconds, however many a dead node leaves.
FLUSHED_AT_ONCE_MAX: Final = 100
# A stock client retries within a second; a reloaded page takes as long.
LINGER_S: Final = 2.0
_SHOP: Final = STAFF | {Role.SERVICE}
_BUYERS: Final = frozenset({Role.CUSTOMER, Role.GUEST})


class Person(NamedTuple):
    """A person in a conversation: the socket identity, and the participant they belong to."""

    key: str
    participant: str


def participant_of(identity: str) -> str:
    """The participant that a socket identity belongs to."""
    role, _, _ = identity.partition(":")
    if role in _SHOP:
        return STORE_SIDE
    return CUSTOMER_SIDE if role in _BUYERS else identity


def person_of(socket: Socket) -> Person | None:
    """The person of a socket in a conversation's room; None for a back end, which only listens."""
    role, _, _ = socket.identity.partition(":")
    return Person(socket.identity, participant_of(socket.identity)) if role and role != Role.SERVICE else None


class Peers(Protocol):
    """Receives the changes of this node."""

    def changed(self, conversation_id: str, person: Person, *, is_present: bool) -> None: ...
    async def run(self) -> None: ...


class _PresentPerson:
    """A present person, with the number of their nodes."""

    __slots__ = ("nodes", "person")

    def __init__(self, person: Person) -> None:
        self.person = person
        self.nodes = 0


class _PendingChange(NamedTuple):
    """The difference since the conversation's last event."""

    joined: dict[str, Person]
    left: dict[str, Person]


class Presence:
    """Presence of this node's sockets, and of other nodes' as published."""

    def __init__(
        self,
        namespace: Namespace[Socket],
        *,
        linger_s: float = LINGER_S,
    ) -> None:
        self.peers: Peers | None = None
        self._namespace = namespace
        self._linger_s = linger_s
        self._sockets: dict[str, dict[str, int]] = {}
        """Socket counts on this node, by conversation and person."""
        self._lingering: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._present: dict[str, dict[str, _PresentPerson]] = {}
        """Present people on all nodes, by conversation and person."""
        self._pending: dict[str, _PendingChange] = {}
        self._due: list[tuple[float, str]] = []
        """A heap of the conversations in `_pending`, by the time of their event."""
        self._timer: asyncio.TimerHandle | None = None
        namespace.rooms.observe(CONVERSATION_PREFIX, self)

    def __repr__(self) -> str:
        return f"<Presence conversations={len(self._present)} lingering={len(self._lingering)} due={len(self._due)}>"

    # State

    def present(self, conversation_id: str) -> list[Person]:
        """All present people, earliest first."""
        return [known.person for known in self._present.get(conversation_id, {}).values()]

    def participants(self, conversation_id: str) -> dict[str, int]:
        """The number of present people by participant."""
        return Counter(person.participant for person in self.present(conversation_id))

    def local_people(self) -> Iterator[tuple[str, Person]]:
        """All people present on this node, by conversation."""
        for conversation_id, counts in self._sockets.items():
            known = self._present[conversation_id]
            for key in counts:
                yield conversation_id, known[key].person

    async def run(self) -> None:
        """Synchronize with other nodes; runs forever if there is a bus."""
        if self.peers is not None:
            await self.peers.run()

    # Sockets of this node; called by its rooms

    def room_joined(self, socket: Socket, room: str) -> None:
        person = person_of(socket)
        if person is None:
            return
        conversation_id = room[len(CONVERSATION_PREFIX) :]
        counts = self._sockets.setdefault(conversation_id, {})
        if person.key in counts:
            counts[person.key] += 1
            self._stop_lingering(conversation_id, person.key)
            return
        counts[person.key] = 1
        self.arrived(conversation_id, person)
        if self.peers is not None:
            self.peers.changed(conversation_id, person, is_present=True)

    def room_left(self, socket: Socket, room: str) -> None:
        person = person_of(socket)
        conversation_id = room[len(CONVERSATION_PREFIX) :]
        counts = self._sockets.get(conversation_id, {})
        if person is None or not counts.get(person.key):
            return
        counts[person.key] -= 1
        if counts[person.key]:
            return
        if _may_be_back(socket.disconnect_reason):
            linger = asyncio.get_running_loop().call_later(self._linger_s, self._forget, conversation_id, person)
            self._lingering[conversation_id, person.key] = linger
        else:
            self._forget(conversation_id, person)

    def _stop_lingering(self, conversation_id: str, key: str) -> None:
        timer = self._lingering.pop((conversation_id, key), None)
        if timer is not None:
            timer.cancel()

    def _forget(self, conversation_id: str, person: Person) -> None:
        self._stop_lingering(conversation_id, person.key)
        counts = self._sockets[conversation_id]
        del counts[person.key]
        if not counts:
            del self._sockets[conversation_id]
        self.departed(conversation_id, person.key)
        if self.peers is not None:
            self.peers.changed(conversation_id, person, is_present=False)

    # On how many nodes somebody is; called for this one, and by `PresencePeers` for each other

    def arrived(self, conversation_id: str, person: Person) -> None:
        """Count one more node for a person."""
        people = self._present.setdefault(conversation_id, {})
        known = people.get(person.key)
        if known is None:
            known = people[person.key] = _PresentPerson(person)
            pending = self._pend(conversation_id)
            if pending.left.pop(person.key, None) is None:
                pending.joined[person.key] = person
        known.nodes += 1

    def departed(self, conversation_id: str, key: str) -> None:
        """Count one node less for a person."""
        people = self._present.get(conversation_id, {})
        known = people.get(key)
        if known is None:
            return
        known.nodes -= 1
        if known.nodes:
            return
        del people[key]
        if not people:
            del self._present[conversation_id]
        pending = self._pend(conversation_id)
        if pending.joined.pop(key, None) is None:
            pending.left[key] = known.person

    # The event

    def _pend(self, conversation_id: str) -> _PendingChange:
        pending = self._pending.get(conversation_id)
        if pending is None:
            pending = self._pending[conversation_id] = _PendingChange({}, {})
            wait_s = max(NOTIFY_EVERY_S, len(self._recipients(conversation_id)) / SENDS_PER_S_MAX)
            heapq.heappush(self._due, (asyncio.get_running_loop().time() + wait_s, conversation_id))
            if self._timer is None or self._due[0][1] == conversation_id:
                self._set_timer()
        return pending

    def _recipients(self, conversation_id: str) -> Any:
        return self._namespace.rooms.members((conversation_room(conversation_id),))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._flush) if self._due else None

    def _flush(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for _ in range(FLUSHED_AT_ONCE_MAX):
            if not self._due or self._due[0][0] > now_s:
                break
            _, conversation_id = heapq.heappop(self._due)
            self._notify(conversation_id, self._pending.pop(conversation_id))
        self._set_timer()

    def _notify(self, conversation_id: str, pending: _PendingChange) -> None:
        if not (pending.joined or pending.left) or not self._recipients(conversation_id):
            return
        now = self.participants(conversation_id)
        before = Counter(now)
        before.subtract(person.participant for person in pending.joined.values())
        before.update(person.participant for person in pending.left.values())
        is_listed = len(now) <= LISTED_MAX
        event: ParticipantsPayload = {
            "conversationId": conversation_id,
            "participants": [_described(*each) for each in now.items()] if is_listed else None,
            "count": len(now),
            "joined": [name for name in now if not before[name]] if is_listed else None,
            "left": [name for name, people in before.items() if people and name not in now] if is_listed else None,
        }
        self._namespace.to(conversation_room(conversation_id)).local.volatile.emit("participants", event)

    def close(self) -> None:
        """Stop the timers."""
        for timer in (*self._lingering.values(), *filter(None, (self._timer,))):
            timer.cancel()
        self._lingering.clear()
        self._due.clear()
        self._timer = None


def _described(participant: str, people: int) -> PresentParticipant:
    return {"participant": participant, "role": role_of(participant), "people": people}


def _may_be_back(reason: DisconnectReason | None) -> bool:
    """Whether a client may return soon. None means that the socket left the room and stays connected."""
    return reason is not None and reason.reconnects and reason is not DisconnectReason.PING_TIMEOUT
