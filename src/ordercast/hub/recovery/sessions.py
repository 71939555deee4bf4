"""Owners of sessions, and saving them."""

from __future__ import annotations

import logging
from typing import Generic

from ordercast.hub.adapter import Adapter, S
from ordercast.hub.disconnect_reason import DisconnectReason
from ordercast.hub.runtime import Runtime

from . import Session

log = logging.getLogger("ordercast.hub")


class Sessions(Generic[S]):
    """The sessions of a namespace's sockets; empty without recovery."""

    def __init__(self, runtime: Runtime, adapter: Adapter[S]) -> None:
        self._runtime = runtime
        self._adapter = adapter
        self._owners: dict[str, S] = {}
        self._unsaved: set[S] = set()

    def __repr__(self) -> str:
        return f"<Sessions {len(self._owners)}>"

    def __len__(self) -> int:
        return len(self._owners)

    def claim(self, socket: S, pid: str) -> None:
        """Make `socket` the owner of a session. A socket that still has it belongs to a dead connection, and is
        ended.
        """
        ghost = self._owners.get(pid)
        self._owners[pid] = socket
        socket.pid = pid
        if ghost is not None and ghost is not socket:
            log.info("session taken over: %s", ghost.id)
            ghost.abandon()

    def release(self, socket: S) -> None:
        """Undo `claim`, unless another socket claimed it."""
        if socket.pid is not None and self._owners.get(socket.pid) is socket:
            del self._owners[socket.pid]

    def owns(self, socket: S) -> bool:
        """Whether no later connection has claimed this socket's session."""
        return socket.pid is None or self._owners.get(socket.pid) is socket

    def ended(self, socket: S, reason: DisconnectReason) -> None:
        """Release an ended socket's session; it is kept if the client may return."""
        self._unsaved.discard(socket)
        self.release(socket)
        recovery = self._adapter.recovery
        if recovery is not None and socket.pid is not None and not reason.reconnects:
            self._runtime.spawn(recovery.forget(socket.pid))

    def rooms_changed(self, socket: S) -> None:
        """Save the rooms, once per turn of the loop."""
        if self._adapter.recovery is None or socket.pid is None:
            return
        if not self._unsaved:
            self._runtime.loop.call_soon(self._save_rooms)
        self._unsaved.add(socket)

    def _save_rooms(self) -> None:
        unsaved, self._unsaved = self._unsaved, set()
        recovery = self._adapter.recovery
        for socket in unsaved:
            if recovery is not None and socket.connected:
                self._runtime.spawn(recovery.save(self.describe(socket)))

    def describe(self, socket: S) -> Session:
        """The socket's session."""
        assert socket.pid is not None
        rooms = tuple(sorted(socket.rooms - {socket.id}))
        return Session(socket.pid, socket.id, self._adapter.name, socket.identity, rooms)
