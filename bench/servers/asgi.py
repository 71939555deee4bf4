"""The hub as an ASGI application under plain uvicorn, as python-socketio is: outermost, or behind a middleware."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

from ordercast.asgi import HubApp

from .ours import make_hub


def main(port: int, ping_interval_ms: int, ping_timeout_ms: int, recovers: int, *, behind_middleware: bool) -> None:
    app = HubApp(make_hub(ping_interval_ms, ping_timeout_ms, recovers))

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    served: Any = middleware if behind_middleware else app
    uvicorn.run(served, port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False, backlog=4096)


if __name__ == "__main__":
    main(*map(int, sys.argv[2:]), behind_middleware=sys.argv[1] == "middleware")
