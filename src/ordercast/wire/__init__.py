"""SOCKETS: WebSocket, long polling, the upgrade between them, heartbeat, back-pressure; one port beside HTTP.

Upstream: browsers and clients. Downstream: ``hub`` is told of connections, messages and ends.
Stays true: one session, one sid, one transport at a time; whatever a client sends ends in an answer or a close.
"""

from .asgi import AsgiApplication
from .engine import Engine
from .serve import make_server, serve

__all__ = ["AsgiApplication", "Engine", "make_server", "serve"]
