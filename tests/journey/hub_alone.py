"""A small program that uses the hub without the shop: it counts aloud, and clients recover what they missed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from ordercast.hub import Server
from ordercast.hub.recovery.sqlite import SqliteRecovery
from ordercast.wire import serve


async def main(port: int, path: Path) -> None:
    server = Server()
    server.main.recovery = SqliteRecovery(path)
    counting = asyncio.create_task(count(server))
    await serve(server, port=port)
    counting.cancel()


async def count(server: Server) -> None:
    number = 0
    while True:
        number += 1
        server.emit("n", {"by": os.getpid(), "number": number})
        await asyncio.sleep(0.002)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
