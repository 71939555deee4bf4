"""Synchronizes presence between nodes over the bus.

Theory of operation. Each node publishes changes of its own sockets in numbered messages, and its latest number in
periodic beats. A node that misses a number, or sees a new node, requests that node's full state. So a lost message is
repaired within a beat, and a new node knows all others after one request.

A node gets a new name at each start, so a restarted node is a second one here: the first one's state is dropped when
the bus reports it dead (heartbeat or leave). While the bus itself is down, others' state is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from ordercast.hub import Namespace, Socket

from .presence import Person

log = logging.getLogger("ordercast.feed")

# Changes are batched for so long, and visible that much later elsewhere.
PUBLISH_EVERY_S: Final = 0.1
# How often the bus's living nodes are compared.
LOOK_EVERY_S: Final = 0.5
# A lost message is detected by the next one, or by the next beat.
BEAT_EVERY_S: Final = 3.0
# Rows per message: 200 kB, far below the bus's limit.
ROWS_MAX: Final = 2_000
# Per other node: bounds the harm of a hostile or broken one.
PRESENCES_PER_NODE_MAX: Final = 200_000

CHANGES: Final = "presence:changes"
BEAT: Final = "presence:beat"
ASK: Final = "presence:ask"
STATE: Final = "presence:state"


class _Row(Struct, array_like=True, frozen=True):
    conversation_id: str
    key: str
    participant: str
    is_present: bool = True


class Presences(Protocol):
    """The state to synchronize; see `Presence`."""

    def local_people(self) -> Iterator[tuple[str, Person]]: ...
    def arrived(self, conversation_id: str, person: Person) -> None: ...
    def departed(self, conversation_id: str, key: str) -> None: ...


class _Peer:
    """The state of another node."""

    __slots__ = ("awaiting_state", "draft", "number", "present")

    def __init__(self) -> None:
        self.number: int | None = None
        """Its last applied message; None until its state arrived."""
        self.present: dict[tuple[str, str], Person] = {}
        self.draft: dict[tuple[str, str], Person] = {}
        """Received parts of a full state."""
        self.awaiting_state = False


class PresencePeers:
    """This node's end of the synchronization."""

    def __init__(self, namespace: Namespace[Socket], presences: Presences) -> None:
        self._namespace = namespace
        self._presences = presences
        self._number = 0
        self._unpublished: dict[tuple[str, str], _Row] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._peers: dict[str, _Peer] = {}
        namespace.on(CHANGES, self._on_changes)
        namespace.on(BEAT, self._on_beat)
        namespace.on(ASK, self._on_ask)
        namespace.on(STATE, self._on_state)

    def __repr__(self) -> str:
        present = sum(len(peer.present) for peer in self._peers.values())
        return f"<PresencePeers nodes={len(self._peers)} present={present}>"

    # This node

    def changed(self, conversation_id: str, person: Person, *, is_present: bool) -> None:
        """Publish a change with the next batch."""
        row = _Row(conversation_id, *person, is_present)
        self._unpublished[conversation_id, person.key] = row
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PUBLISH_EVERY_S, self._publish)

    def _publish(self) -> None:
        self._timer = None
        rows, self._unpublished = list(self._unpublished.values()), {}
        for part in _parts(rows):
            self._number += 1
            self._emit(CHANGES, self._number, msgspec.to_builtins(part))

    async def run(self) -> None:
        """Announce this node, and drop dead ones; runs forever."""
        self._emit(ASK, "")
        beats_s = 0.0
        while True:
            if beats_s <= 0:
                self._emit(BEAT, self._number)
                beats_s = BEAT_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            beats_s -= LOOK_EVERY_S
            try:
                self._forget_all_but(await self._namespace.other_nodes())
            except Exception:
                log.exception("could not list the nodes on the bus; retrying")

    def close(self) -> None:
        """Stop publishing."""
        if self._timer is not None:
            self._timer.cancel()

    def _emit(self, event: str, *args: Any) -> None:
        self._namespace.server_side_emit(event, self._namespace.node, *args)

    # The others

    def _on_changes(self, node: str, number: int, rows: list[Any]) -> None:
        peer = self._peers.get(node)
        if peer is None or peer.number is None or number != peer.number + 1:
            self._ask(node)
            return
        peer.number = number
        for row in msgspec.convert(rows, list[_Row]):
            self._set(peer, row)

    def _on_beat(self, node: str, number: int) -> None:
        peer = self._peers.get(node)
        if peer is None or peer.number != number:
            self._ask(node, again=True)

    def _ask(self, node: str, *, again: bool = False) -> None:
        """Request a node's state, once per beat."""
        peer = self._peers.setdefault(node, _Peer())
        if again or not peer.awaiting_state:
            peer.awaiting_state = True
            self._emit(ASK, node)

    def _on_ask(self, _asking: str, awaiting_state: str) -> None:
        """Publish this node's full state. Without a name the request is for all nodes."""
        if awaiting_state not in {"", self._namespace.node}:
            if awaiting_state in self._peers:
                self._peers[awaiting_state].awaiting_state = True
            return
        self._publish_now()
        parts = list(
            _parts([_Row(conversation_id, *person) for conversation_id, person in self._presences.local_people()])
        )
        for index, part in enumerate(parts or [[]]):
            self._emit(STATE, self._number, index, max(1, len(parts)), msgspec.to_builtins(part))

    def _publish_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._publish()

    def _on_state(self, node: str, number: int, index: int, parts: int, rows: list[Any]) -> None:
        peer = self._peers.setdefault(node, _Peer())
        if peer.number == number:
            peer.awaiting_state = False
            return
        if index == 0:
            peer.draft = {}
        for row in msgspec.convert(rows, list[_Row]):
            peer.draft[row.conversation_id, row.key] = Person(row.key, row.participant)
        if index == parts - 1:
            self._replace(peer, peer.draft)
            peer.number, peer.draft, peer.awaiting_state = number, {}, False

    def _replace(self, peer: _Peer, present: dict[tuple[str, str], Person]) -> None:
        gone = peer.present.keys() - present.keys()
        for conversation_id, key in sorted(gone):
            self._set(peer, _Row(conversation_id, key, "", is_present=False))
        for (conversation_id, _), person in present.items():
            self._set(peer, _Row(conversation_id, *person))

    def _set(self, peer: _Peer, row: _Row) -> None:
        place = row.conversation_id, row.key
        if not row.is_present:
            if peer.present.pop(place, None) is not None:
                self._presences.departed(*place)
        elif place not in peer.present and len(peer.present) < PRESENCES_PER_NODE_MAX:
            person = peer.present[place] = Person(row.key, row.participant)
            self._presences.arrived(row.conversation_id, person)

    def _forget_all_but(self, living: Iterable[str]) -> None:
        for node in self._peers.keys() - set(living):
            peer = self._peers.pop(node)
            self._replace(peer, {})


def _parts(rows: list[_Row]) -> Iterator[list[_Row]]:
    remaining = iter(rows)
    while part := list(islice(remaining, ROWS_MAX)):
        yield part
