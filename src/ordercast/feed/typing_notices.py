"""Typing notices in conversations, and the event ``typing``.

The event is ephemeral: no offset, dropped for a slow client, and for all above `SENDS_PER_S_MAX`. So a receiver drops
it after `expiresInSeconds`. Continued typing is emitted every `REPEAT_EVERY_S`, however often the page reports it; the
end, by a report, silence, disconnect or leave, once. The sender's socket is left out.
"""

from __future__ import annotations

import asyncio
from typing import Final

from ordercast.commerce.conversations import role_of
from ordercast.commerce.rooms import CONVERSATION_PREFIX
from ordercast.hub import Namespace, Socket

from .event_types import TypingPayload

# Longer than pauses between words.
TTL_S: Final = 8.0
# Twice within the TTL, so that one dropped event does not show; not at each report of a page, usually every three
# seconds.
REPEAT_EVERY_S: Final = 3.5
# Per node, all conversations: a tenth of a core, as orders come first.
SENDS_PER_S_MAX: Final = 20_000
# Above this many nobody can read names, and n people typing to n would cost n squared.
AUDIENCE_MAX: Final = 200
# Burst allowed after a silence, in seconds of the rate.
BURST_S: Final = 0.5

_TypingKey = tuple[str, str]
"""A conversation and a socket."""


class _Typing:
    """A socket that types in a conversation."""

    __slots__ = ("expires_s", "participant", "repeat_s", "rooms")

    def __init__(self, participant: str) -> None:
        self.participant = participant
        self.rooms: tuple[str, ...] = ()
        self.expires_s = 0.0
        self.repeat_s = 0.0


class TypingNotices:
    """The typing notices of this node's sockets."""

    def __init__(self, namespace: Namespace[Socket]) -> None:
        self._namespace = namespace
        self._typing: dict[_TypingKey, _Typing] = {}
        """In order of expiry: all have the same TTL, and renewal moves one to the end."""
        self._timer: asyncio.TimerHandle | None = None
        self._sent_until_s = 0.0
        """The time up to which the rate is used up."""
        self.dropped = 0
        """Events dropped by the rate limit."""
        namespace.rooms.observe(CONVERSATION_PREFIX, self)

    def __repr__(self) -> str:
        return f"<TypingNotices {len(self._typing)} typing dropped={self.dropped}>"

    # Reports of sockets

    def update(
        self, socket: Socket, conversation_id: str, participant: str, rooms: tuple[str, ...], *, is_typing: bool
    ) -> None:
        """Accept a report of a socket in the conversation's room; `rooms` are those of all participants."""
        place = conversation_id, socket.id
        if not is_typing:
            self._stop(place)
            return
        now_s = asyncio.get_running_loop().time()
        typing = self._typing.pop(place, None) or _Typing(participant)
        typing.rooms = rooms
        typing.expires_s = now_s + TTL_S
        self._typing[place] = typing
        if now_s >= typing.repeat_s and self._emit(place, typing, is_typing=True):
            typing.repeat_s = now_s + REPEAT_EVERY_S
        if self._timer is None:
            self._set_timer()

    # Rooms and time

    def room_joined(self, socket: Socket, room: str) -> None:
        """Joining a room is no typing."""

    def room_left(self, socket: Socket, room: str) -> None:
        self._stop((room[len(CONVERSATION_PREFIX) :], socket.id))

    def _set_timer(self) -> None:
        first = next(iter(self._typing.values()), None)
        loop = asyncio.get_running_loop()
        self._timer = None if first is None else loop.call_at(first.expires_s, self._expire)

    def _expire(self) -> None:
        now_s = asyncio.get_running_loop().time()
        expired = []
        for place, typing in self._typing.items():
            if typing.expires_s > now_s:
                break
            expired.append(place)
        for place in expired:
            self._stop(place)
        self._set_timer()

    def _stop(self, place: _TypingKey) -> None:
        typing = self._typing.pop(place, None)
        if typing is not None:
            self._emit(place, typing, is_typing=False)

    # The event

    def _emit(self, place: _TypingKey, typing: _Typing, *, is_typing: bool) -> bool:
        """Emit to everybody in the conversation but this socket; return whether it was sent."""
        conversation_id, socket_id = place
        audience = sum(len(self._namespace.rooms.members((room,))) for room in typing.rooms)
        if audience > AUDIENCE_MAX or not self._may_send(audience):
            self.dropped += 1
            return False
        event: TypingPayload = {
            "conversationId": conversation_id,
            "participant": typing.participant,
            "role": role_of(typing.participant),
            "typing": is_typing,
            "expiresInSeconds": TTL_S if is_typing else 0,
        }
        self._namespace.to(*typing.rooms).except_(socket_id).volatile.emit("typing", event)
        return True

    def _may_send(self, count: int) -> bool:
        now_s = asyncio.get_running_loop().time()
        if self._sent_until_s > now_s + BURST_S:
            return False
        self._sent_until_s = max(self._sent_until_s, now_s) + count / SENDS_PER_S_MAX
        return True

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
