"""python-socketio on uvicorn with uvloop and httptools, with its defaults."""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn


def main(port: int, ping_interval_ms: int, ping_timeout_ms: int, _recovers: int) -> None:
    sio = socketio.AsyncServer(
        async_mode="asgi", ping_interval=ping_interval_ms / 1000, ping_timeout=ping_timeout_ms / 1000
    )

    async def echo(_sid: str, value: Any) -> Any:
        return value

    async def join(sid: str, room: str) -> None:
        await sio.enter_room(sid, room)

    async def fan(_sid: str, times: int, payload: Any) -> None:
        for _ in range(times):
            await sio.emit("new_order", payload)

    async def rooms(_sid: str, names: list[str], payload: Any) -> None:
        for name in names:
            await sio.emit("new_order", payload, room=name)

    for handler in (echo, join, fan, rooms):
        sio.on(handler.__name__, handler)
    uvicorn.run(
        socketio.ASGIApp(sio),
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        backlog=4096,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
