"""Who is present in each conversation, and the event ``participants`` that says so.

A participant is who speaks in a conversation: the shop, its customer, a driver. Behind one there may be several people,
as the shop's clerks are; it is present while one of them is.

Theory of operation:

- **A person is present while one of their sockets is in the conversation's room**, on whichever node. Several tabs and
  devices are one person: a node counts the sockets of each, and tells the others when the count leaves 0 or comes back
  to it (`PresencePeers`). So what is known here is, for each person, on how many nodes they are.
- **A lost connection is not yet an absence.** A stock client is back within seconds, and a page that is loaded anew is
  too, so a person is present for `LINGER_S` after their last socket was lost on the way. One that left on purpose, or
  that answered no ping, has waited long enough: it is absent at once. A session that waits to be recovered keeps nobody
  present for longer.
- **The event is the whole state**, so the newest wins and any may be dropped: it has no offset, and goes to the sockets
  of this node alone, as each node knows the same. `joined` and `left` are what changed since the event before; who came
  and went in between is in neither.
- **n people cost n, not n squared.** Changes of a conversation are gathered: the next event goes out after
  `NOTIFY_EVERY_S`, or later the more it is sent to, so that one conversation causes `SENDS_PER_S_MAX` at most; where
  more than `LISTED_MAX` are present, it says how many, and a page reads names by the API.
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

# Somebody who opens a page and its sockets, or all who come back after a restart, are told of in one event.
NOTIFY_EVERY_S: Final = 0.1
# So many names are some 8 kB; nobody reads more of them.
LISTED_MAX: Final = 100
# Of one conversation's events; with 10,000 people in it they hear how many they are every two seconds.
SENDS_PER_S_MAX: Final = 5_000
# Conversations told of in one turn of the loop: some ten milliseconds, however many a node that died leaves behind.
FLUSHED_AT_ONCE_MAX: Final = 100
# A stock client tries again after one second at the most, a page that is loaded anew takes about as long.
LINGER_S: Final = 2.0
_SHOP: Final = STAFF | {Role.SERVICE}
_BUYERS: Final = frozenset({Role.CUSTOMER, Role.GUEST})


class Person(NamedTuple):
    """Somebody in a conversation: who it is, as sockets' identities are written, and as which participant."""

    key: str
    participant: str


def participant_of(identity: str) -> str:
    """As which participant somebody takes part in a conversation, by their socket's identity."""
    role, _, _ = identity.partition(":")
    if role in _SHOP:
        return STORE_SIDE
    return CUSTOMER_SIDE if role in _BUYERS else identity


def person_of(socket: Socket) -> Person | None:
    """Who takes part by a socket in a conversation's room; None for a back end, which only listens."""
    role, _, _ = socket.identity.partition(":")
    return Person(socket.identity, participant_of(socket.identity)) if role and role != Role.SERVICE else None


class Peers(Protocol):
    """Who learns of what changes on this node."""

    def changed(self, conversation_id: str, person: Person, *, is_present: bool) -> None: ...
    async def run(self) -> None: ...


class _PresentPerson:
    """A person who is present in a conversation."""

    __slots__ = ("nodes", "person")

    def __init__(self, person: Person) -> None:
        self.person = person
        self.nodes = 0


class _PendingChange(NamedTuple):
    """What has changed since a conversation was last told."""

    joined: dict[str, Person]
    left: dict[str, Person]


class Presence:
    """Of one node's sockets, and of the other nodes' as far as they say."""

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
        """By conversation and person: how many of their sockets are in the room here."""
        self._lingering: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._present: dict[str, dict[str, _PresentPerson]] = {}
        """By conversation and person, over all nodes."""
        self._pending: dict[str, _PendingChange] = {}
        self._due: list[tuple[float, str]] = []
        """A heap of the conversations in `_pending`, by when they are told."""
        self._timer: asyncio.TimerHandle | None = None
        namespace.rooms.observe(CONVERSATION_PREFIX, self)

    def __repr__(self) -> str:
        return f"<Presence conversations={len(self._present)} lingering={len(self._lingering)} due={len(self._due)}>"

    # What is known

    def present(self, conversation_id: str) -> list[Person]:
        """Everybody who is present, who came first first."""
        return [known.person for known in self._present.get(conversation_id, {}).values()]

    def participants(self, conversation_id: str) -> dict[str, int]:
        """Who is present, by participant: how many people."""
        return Counter(person.participant for person in self.present(conversation_id))

    def local_people(self) -> Iterator[tuple[str, Person]]:
        """Everybody who is present on this node, by conversation."""
        for conversation_id, counts in self._sockets.items():
            known = self._present[conversation_id]
            for key in counts:
                yield conversation_id, known[key].person

    async def run(self) -> None:
        """Keep in step with the other nodes; for ever, where there can be any."""
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
        """Somebody is present on one node more."""
        people = self._present.setdefault(conversation_id, {})
        known = people.get(person.key)
        if known is None:
            known = people[person.key] = _PresentPerson(person)
            pending = self._pend(conversation_id)
            if pending.left.pop(person.key, None) is None:
                pending.joined[person.key] = person
        known.nodes += 1

    def departed(self, conversation_id: str, key: str) -> None:
        """Somebody is present on one node less."""
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
    """Whether a client may be back soon. None is of a socket that left the room and stays connected."""
    return reason is not None and reason.reconnects and reason is not DisconnectReason.PING_TIMEOUT
