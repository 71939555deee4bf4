"""Clients that lose their connections, come back with their sessions, and are told what they missed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from . import frames
from .swarm import OPENING_MAX, ServerFailedError, Swarm, frame_at

EVENT = b'42["new_order"'
# The client that stays, and asks for the events that the others miss.
STAYING = 1


@dataclass(slots=True)
class _Session:
    """What a stock client keeps of its session."""

    pid: str = ""
    offset: str = ""

    def connect(self, auth: dict[str, str]) -> bytes:
        session = {"pid": self.pid, "offset": self.offset} if self.pid else {}
        return frames.frame(b"40" + json.dumps(auth | session).encode())


class Returners(Swarm):
    """As `Swarm`, but each client remembers its pid and the last string argument that it heard."""

    opening_max = OPENING_MAX
    """Handshakes under way at a time."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.auth: dict[str, str] = {}
        self._sessions: dict[int, _Session] = {}
        """Of whoever has a connection; whether it is in the namespace yet, `_entered` counts."""
        self._lost: list[_Session] = []
        self._entered = 0
        self._recovered = 0

    def connect(self, count: int) -> None:
        heard = self._enter(count)
        if heard:
            raise ServerFailedError(f"{heard} events before anything was asked for")

    def lose(self) -> None:
        """Cut every connection but the first."""
        self._lose_but(STAYING)

    def lose_all(self) -> None:
        """Cut every connection, where their server has gone."""
        self._lose_but(0)

    def _lose_but(self, staying: int) -> None:
        self._lost = [self._sessions.pop(fd) for fd in self.fds[staying:]]
        self.keep(staying)

    def come_back(self, missed: int) -> int:
        """Let all who were cut off return, each to hear `missed` events; gives how many they heard in all.

        Raises ServerFailedError if a session was not recovered, or an event is missing.
        """
        count, self._recovered = len(self._lost), 0
        left = count * missed - self._enter(count)
        while left > 0:
            left -= len(self.receive())
        if left or self._recovered != count:
            raise ServerFailedError(f"{self._recovered} of {count} recovered, {-left} events too many")
        return count * missed

    def _enter(self, count: int) -> int:
        """Open `count` clients; gives how many events they heard before the last of them was in."""
        request, unopened, heard = self._opening(), count, 0
        self._entered = 0
        while self._entered < count:
            while unopened and count - unopened - self._entered < self.opening_max:
                unopened -= 1
                self._open(request)
            heard += len(self.receive())
        return heard

    def _take(self, fd: int, data: bytes, heard: list[int]) -> None:
        for first_byte, payload in self._frames(fd, self._whole(fd, data)):
            if not payload.startswith(b"42"):
                self._answer(fd, first_byte, payload)
                continue
            if payload.endswith(b'"]'):
                self._sessions[fd].offset = payload[payload.rindex(b',"') + 2 : -2].decode()
            if payload.startswith(EVENT):
                heard.append(fd)

    def _frames(self, fd: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at < len(data):
            start, length = frame_at(data, at)
            if start + length > len(data):
                break
            yield data[at], data[start : start + length]
            at = start + length
        if at < len(data):
            self._partial[fd] = data[at:]

    def _answer(self, fd: int, first_byte: int, payload: bytes) -> None:
        if payload.startswith(b"0"):
            session = self._sessions[fd] = self._lost.pop() if self._lost else _Session()
            self.send(fd, session.connect(self.auth))
        elif payload.startswith(b"40"):
            session, pid = self._sessions[fd], json.loads(payload[2:])["pid"]
            self._entered += 1
            self._recovered += session.pid == pid
            session.pid = pid
        else:
            super()._answer(fd, first_byte, payload)
