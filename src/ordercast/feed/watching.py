"""Watching one order from a position on: the snapshot, the room and the offset agree to the row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ordercast.commerce.rooms import order_room, watch_room
from ordercast.db import StoreError
from ordercast.hub import Namespace, Socket
from ordercast.protocol.socketio import encode_event

from .position import Position
from .pump import PATIENCE_S, Pump

# An order that changes during each of so many looks is changed by a program gone wild.
LOOKS_MAX: Final = 20
# Rows that may be delivered while one look is taken; where there were more, another look is cheaper than the search.
ROWS_MEANWHILE_MAX: Final = 1_024
# A change gets its number within milliseconds of its commit.
NAP_S: Final = 0.005


class BehindTooLong(StoreError):
    """The feed could not be read up to where the order was."""

    def __init__(self) -> None:
        super().__init__("The changes of this order cannot be followed just now.")


class Watching:
    """Begins watches on the sockets of one node."""

    def __init__(self, pump: Pump, namespace: Namespace) -> None:
        self._pump = pump
        self._namespace = namespace

    def __repr__(self) -> str:
        return f"<Watching behind {self._pump!r}>"

    async def begin(
        self, socket: Socket, order_id: str, room: str | None, look: Callable[[], Awaitable[tuple[bytes, int | None]]]
    ) -> tuple[bytes, str]:
        """Let `socket` into `room` at a moment when what `look` found is still so: gives it, and that position.

        `look` gives an order and the newest feed number, of one snapshot; None for a number where a change of the order
        is to be seen that has none yet. It is taken again while that is so, and if the order changed before the socket
        could be let in. The socket is told
        ``watching`` with that position as its offset, so that a recovery does not tell it again what the snapshot
        shows. Raises what `look` does, LimitReached, BehindTooLong.
        """
        give_up_at = asyncio.get_running_loop().time() + PATIENCE_S
        for _ in range(LOOKS_MAX):
            document, seq = await look()
            while seq is None and asyncio.get_running_loop().time() < give_up_at:
                await asyncio.sleep(NAP_S)
                document, seq = await look()
            if seq is None or not await self._pump.reach(seq):
                raise BehindTooLong
            # No await from here on: what is delivered in between would be missed, or told twice.
            if not self._changed_since(order_id, seq):
                return document, str(self._enter(socket, order_id, room))
        raise BehindTooLong

    def _changed_since(self, order_id: str, seq: int) -> bool:
        rooms = {order_room(order_id), watch_room(order_id)}
        rows = self._pump.remembered(seq, ROWS_MEANWHILE_MAX)
        if rows is None or len(rows) == ROWS_MEANWHILE_MAX:
            return True
        return any(not rooms.isdisjoint(told.rooms) for _, row in rows for told in row)

    def _enter(self, socket: Socket, order_id: str, room: str | None) -> Position:
        position = self._pump.position
        if not socket.connected:
            return position
        if room is not None:
            socket.join(room)
        told = encode_event(
            self._namespace.name, "watching", [{"orderId": order_id, "position": str(position)}, str(position)]
        )
        self._namespace.adapter.deliver(told, (socket.id,))
        return position
