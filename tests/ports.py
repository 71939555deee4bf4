"""Ports that are this process's own for as long as it lives, though nobody listens on them yet or any more."""

from __future__ import annotations

import atexit
import socket


def free_port() -> int:
    """Keep a port of loopback. A server that sets SO_REUSEADDR, as all do, may listen on it, end, and come back.

    It stays bound here, without listening: so the system gives it to nobody else, neither to another worker's server
    nor to an outgoing connection. One that is only looked up may be taken before its server starts, or restarts.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    atexit.register(kept.close)
    port: int = kept.getsockname()[1]
    return port
