"""Subscribes a socket to one order or conversation: snapshot, room and offset agree on one row."""

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

# Attempts to read a snapshot without a concurrent change.
SNAPSHOTS_MAX: Final = 20
# Rows searched for a concurrent change; beyond that another snapshot is cheaper.
ROWS_MEANWHILE_MAX: Final = 1_024
# A change is numbered within milliseconds of its commit.
RETRY_S: Final = 0.005


class FeedBehind(StoreError):
    """The feed did not reach the snapshot in time."""

    def __init__(self) -> None:
        super().__init__("These changes cannot be followed just now.")


class SubscriptionTarget(NamedTuple):
    """An order or conversation, and its rooms."""

    field: str
    """The field of its id in ``watching``."""
    id: str
    rooms: tuple[str, ...]
    """Each of its changes goes to one of these rooms."""

    @classmethod
    def order(cls, order_id: str) -> SubscriptionTarget:
        return cls("orderId", order_id, (order_room(order_id), watch_room(order_id)))

    @classmethod
    def conversation(cls, conversation_id: str) -> SubscriptionTarget:
        return cls("conversationId", conversation_id, (conversation_room(conversation_id),))

    @classmethod
    def room(cls, room: str) -> SubscriptionTarget:
        return cls("room", room, (room,))


class Subscriptions:
    """Subscribes this node's sockets."""

    def __init__(self, relay: Relay, namespace: Namespace) -> None:
        self._relay = relay
        self._namespace = namespace

    def __repr__(self) -> str:
        return f"<Subscriptions of {self._relay!r}>"

    @property
    def position(self) -> Position:
        """What lies up to it has been handed to every socket that was entitled to it."""
        return self._relay.position

    async def subscribe(
        self,
        socket: Socket,
        target: SubscriptionTarget,
        room: str | None,
        read_snapshot: Callable[[], Awaitable[tuple[bytes, int | None]]],
    ) -> tuple[bytes, str]:
        """Join `socket` to `room` while a snapshot is current; return the snapshot and its position.

        `read_snapshot` returns a document and the newest feed number of one database snapshot; None for the number if
        the snapshot includes an unnumbered change of the target. It is called again in that case, and if the target
        changed before the socket joined. The socket is sent ``watching`` with the position as offset, so that a
        recovery does not replay what the snapshot includes. Raises the errors of `read_snapshot`, LimitReached and
        FeedBehind.
        """
        give_up_at = asyncio.get_running_loop().time() + WAIT_S_MAX
        for _ in range(SNAPSHOTS_MAX):
            document, seq = await read_snapshot()
            while seq is None and asyncio.get_running_loop().time() < give_up_at:
                await asyncio.sleep(RETRY_S)
                document, seq = await read_snapshot()
            if seq is None or not await self._relay.wait_until(seq):
                raise FeedBehind
            # No await from here on: events in between would be missed or delivered twice.
            if not self._changed_since(target, seq):
                return document, str(self.enter(socket, target, room))
        raise FeedBehind

    def _changed_since(self, target: SubscriptionTarget, seq: int) -> bool:
        rows = self._relay.recent_rows(seq, ROWS_MEANWHILE_MAX)
        if rows is None or len(rows) == ROWS_MEANWHILE_MAX:
            return True
        rooms = set(target.rooms)
        return any(not rooms.isdisjoint(event.rooms) for _, row in rows for event in row)

    def enter(self, socket: Socket, target: SubscriptionTarget, room: str | None) -> Position:
        """Join `socket` to `room` now, and send it ``watching``; return the position from which it hears. Raises
        LimitReached.
        """
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
