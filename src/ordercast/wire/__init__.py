"""WIRE: WebSocket, long polling, the upgrade between them, heartbeat and back-pressure, on one port with HTTP.

Upstream: browsers and other clients. Downstream: ``hub`` receives connections, messages and closes. Stays true: a
session has one sid, and one transport at a time; whatever a client sends ends in a response or a close.

::

    asyncio.run(serve(hub.Server(), port=3000, http=asgi_application))
"""

from .asgi import AsgiApplication
from .engine import Engine
from .serve import make_server, serve

__all__ = ["AsgiApplication", "Engine", "make_server", "serve"]
