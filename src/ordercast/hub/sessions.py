"""Which socket of a namespace has which session, and keeping what is stored of it in step."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from .reasons import DisconnectReason
from .recovery import Session

if TYPE_CHECKING:
    from .namespace import Namespace
    from .socket import Socket

log = logging.getLogger("ordercast.hub")

_MEANT: Final = (DisconnectReason.CLIENT_NAMESPACE_DISCONNECT, DisconnectReason.SERVER_NAMESPACE_DISCONNECT)


class Sessions:
    """Those of the sockets that are here now; empty where the namespace has no recovery."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._owners: dict[str, Socket] = {}
        self._unsaved: set[Socket] = set()

    def __repr__(self) -> str:
        return f"<Sessions {len(self._owners)}>"

    def __len__(self) -> int:
        return len(self._owners)

    def claim(self, socket: Socket, pid: str) -> None:
        """Let `socket` own a session. A socket that still has it is a ghost of a dead connection: it ends."""
        ghost = self._owners.get(pid)
        self._owners[pid] = socket
        socket.pid = pid
        if ghost is not None and ghost is not socket:
            log.info("session taken over: %s", ghost.id)
            ghost.abandon()

    def release(self, socket: Socket) -> None:
        """Undo `claim`, unless somebody else claimed meanwhile."""
        if socket.pid is not None and self._owners.get(socket.pid) is socket:
            del self._owners[socket.pid]

    def owns(self, socket: Socket) -> bool:
        """Whether no later connection has claimed this socket's session."""
        return socket.pid is None or self._owners.get(socket.pid) is socket

    def ended(self, socket: Socket, reason: DisconnectReason) -> None:
        """The socket is gone; its session stays for it to come back, unless the end was meant."""
        self._unsaved.discard(socket)
        self.release(socket)
        recovery = self._namespace.recovery
        if recovery is not None and socket.pid is not None and reason in _MEANT:
            self._namespace.server.spawn(recovery.forget(socket.pid))

    def rooms_changed(self, socket: Socket) -> None:
        """Keep the stored rooms in step: once per turn of the loop, however many rooms changed."""
        if self._namespace.recovery is None or socket.pid is None:
            return
        if not self._unsaved:
            self._namespace.server.loop.call_soon(self._save_rooms)
        self._unsaved.add(socket)

    def _save_rooms(self) -> None:
        unsaved, self._unsaved = self._unsaved, set()
        recovery = self._namespace.recovery
        for socket in unsaved:
            if recovery is not None and socket.connected:
                self._namespace.server.spawn(recovery.save(self.describe(socket)))

    def describe(self, socket: Socket) -> Session:
        """What of this socket outlives its connection."""
        assert socket.pid is not None
        rooms = tuple(sorted(socket.rooms - {socket.id}))
        return Session(socket.pid, socket.id, self._namespace.name, socket.identity, rooms)
