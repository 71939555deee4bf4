"""Subscriptions to one order or conversation from a position on: snapshot, room and offset agree to the row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from ordercast.commerce.rooms import conversation_room, order_room, watch_room
from ordercast.db import StoreError
from ordercast.hub import Namespace, Socket
from ordercast.protocol.socketio import encode_event

from .position import Position
from .relay import WAIT_S_MAX, Relay

# What changes during each of so many snapshots is changed by a program gone wild.
SNAPSHOTS_MAX: Final = 20
# Rows that may be delivered while a snapshot is read; where there were more, another one is cheaper than the search.
ROWS_MEANWHILE_MAX: Final = 1_024
# A change gets its number within milliseconds of its commit.
RETRY_S: Final = 0.005


class FeedBehind(StoreError):
    """The feed could not be read up to where the snapshot was."""

    def __init__(self) -> None:
        super().__init__("These changes cannot be followed just now.")


class SubscriptionTarget(NamedTuple):
    """What is subscribed to."""

    field: str
    """Under which name ``watching`` has its id."""
    id: str
    rooms: tuple[str, ...]
    """Each change of it is for one of these."""

    @classmethod
    def order(cls, order_id: str) -> SubscriptionTarget:
        return cls("orderId", order_id, (order_room(order_id), watch_room(order_id)))

    @classmethod
    def conversation(cls, conversation_id: str) -> SubscriptionTarget:
        return cls("conversationId", conversation_id, (conversation_room(conversation_id),))


class Subscriptions:
    """Subscribes sockets of this node."""

    def __init__(self, relay: Relay, namespace: Namespace) -> None:
        self._relay = relay
        self._namespace = namespace

    def __repr__(self) -> str:
        return f"<Subscriptions of {self._relay!r}>"

    async def subscribe(
        self,
        socket: Socket,
        target: SubscriptionTarget,
        room: str | None,
        read_snapshot: Callable[[], Awaitable[tuple[bytes, int | None]]],
    ) -> tuple[bytes, str]:
        """Let `socket` into `room` at a moment when a snapshot still holds: gives the snapshot, and that position.

        `read_snapshot` gives a document and the newest feed number, of one database snapshot; None for a number where a
        change of what is watched is in it that has none yet. It is called again while that is so, and if it changed
        before the socket could be let in. The socket is sent ``watching`` with that position as its
        offset, so that a recovery does not replay what the snapshot shows. Raises what `read_snapshot` does,
        LimitReached, FeedBehind.
        """
        give_up_at = asyncio.get_running_loop().time() + WAIT_S_MAX
        for _ in range(SNAPSHOTS_MAX):
            document, seq = await read_snapshot()
            while seq is None and asyncio.get_running_loop().time() < give_up_at:
                await asyncio.sleep(RETRY_S)
                document, seq = await read_snapshot()
            if seq is None or not await self._relay.wait_until(seq):
                raise FeedBehind
            # No await from here on: what is delivered in between would be missed, or heard twice.
            if not self._changed_since(target, seq):
                return document, str(self._enter(socket, target, room))
        raise FeedBehind

    def _changed_since(self, target: SubscriptionTarget, seq: int) -> bool:
        rows = self._relay.recent_rows(seq, ROWS_MEANWHILE_MAX)
        if rows is None or len(rows) == ROWS_MEANWHILE_MAX:
            return True
        rooms = set(target.rooms)
        return any(not rooms.isdisjoint(event.rooms) for _, row in rows for event in row)

    def _enter(self, socket: Socket, target: SubscriptionTarget, room: str | None) -> Position:
        position = self._relay.position
        if not socket.connected:
            return position
        if room is not None:
            socket.join(room)
        message = encode_event(
            self._namespace.name, "watching", [{target.field: target.id, "position": str(position)}, str(position)]
        )
        self._namespace.adapter.deliver(message, (socket.id,))
        return position
