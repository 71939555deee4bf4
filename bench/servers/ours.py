"""Ordercast's Socket.IO server alone, as any Python program may use it."""

from __future__ import annotations

import sys
from typing import Any

import uvloop

from ordercast.hub import MemoryRecovery, Options, Server, Socket
from ordercast.wire import serve


def make_hub(ping_interval_ms: int, ping_timeout_ms: int, recovers: int) -> Server:
    server = Server(Options(ping_interval_s=ping_interval_ms / 1000, ping_timeout_s=ping_timeout_ms / 1000))

    if recovers:
        server.main.recovery = MemoryRecovery()

    def echo(_socket: Socket, value: Any) -> Any:
        return value

    def join(socket: Socket, room: str) -> None:
        socket.join(room)

    def fan(_socket: Socket, times: int, payload: Any) -> None:
        for _ in range(times):
            server.emit("new_order", payload)

    def rooms(_socket: Socket, names: list[str], payload: Any) -> None:
        for name in names:
            server.to(name).emit("new_order", payload)

    for handler in (echo, join, fan, rooms):
        server.event(handler.__name__, handler)
    return server


def main(port: int, *options: int) -> None:
    uvloop.run(serve(make_hub(*options), port=port))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
