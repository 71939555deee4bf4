"""SOCKETS: WebSocket, long polling, the upgrade between them, heartbeat, back-pressure; one port beside HTTP.

Upstream: browsers and clients. Downstream: ``hub`` receives connections, messages and closes.
Stays true: one session, one sid, one transport at a time; whatever a client sends ends in a response or a close.
"""

from .asgi import AsgiApplication
from .engine import Engine
from .serve import make_server, serve

__all__ = ["AsgiApplication", "Engine", "make_server", "serve"]
