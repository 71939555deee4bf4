"""A small program that uses the hub without the shop, one of several nodes that are joined by Redis."""

from __future__ import annotations

import sys
from typing import Any

import uvloop

from ordercast.hub import NodesTimedOut, Options, Server, Socket
from ordercast.hub.bus.redis import RedisBus
from ordercast.hub.bus.redis_emitters import RedisEmitters
from ordercast.wire import serve


def made(url: str, name: str, heartbeat_s: float) -> tuple[Server, RedisEmitters]:
    bus = RedisBus(url, name=name, heartbeat_s=heartbeat_s)
    server = Server(Options(bus_timeout_s=1), bus=bus)
    emitters = RedisEmitters(server, url, heartbeat_s=heartbeat_s)
    server.of("/other")

    @server.on("connection")
    def connected(socket: Socket) -> None:
        socket.join("everybody", *socket.auth.get("rooms", ()))

    @server.event("state")
    def state(_socket: Socket) -> list[str]:
        return [bus.state, emitters.state]

    @server.event("typing")
    def typing(socket: Socket, room: str, text: str = "") -> None:
        socket.to(room).volatile.emit("typing", {"who": socket.id, "text": text})

    @server.event("who")
    async def who(_socket: Socket, room: str) -> Any:
        try:
            return sorted(socket.id for socket in await server.in_(room).fetch_sockets())
        except NodesTimedOut as error:
            return {"silent": len(error.nodes)}

    @server.event("rooms")
    def rooms(socket: Socket) -> list[str]:
        return sorted(socket.rooms - {socket.id})

    @server.event("ask")
    async def ask(socket: Socket) -> list[Any]:
        return await socket.broadcast.timeout(2).emit_with_ack("question")

    @server.event("send away")
    def send_away(_socket: Socket, room: str) -> None:
        server.in_(room).disconnect_sockets(close=True)

    @server.on("server event")
    def told(*args: Any) -> None:
        server.local.emit("told", *args)

    return server, emitters


async def main(port: int, url: str, heartbeat_s: float) -> None:
    server, emitters = made(url, f"node{port}", heartbeat_s)
    emitters.start()
    await serve(server, port=port)
    await emitters.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
