"""python-socketio's client, unmodified: connects and writes what it hears, one JSON value per line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import socketio


def say(kind: str, **data: Any) -> None:
    print(json.dumps({"kind": kind, **data}), flush=True)  # noqa: T201 - what it is for


async def listen(url: str, auth: dict[str, Any], transports: list[str]) -> None:
    client = socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=0.5)
    # It keeps no session: each connection is a new one.
    client.on("connect", lambda: say("connect", id=client.get_sid(), recovered=False, transport=client.transport()))
    client.on("disconnect", lambda reason: say("disconnect", reason=reason))
    client.on("*", lambda event, *args: say("event", event=event, args=args))
    await client.connect(url, auth=auth, transports=transports, retry=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await client.disconnect()


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(listen(**json.loads(sys.argv[1])))
