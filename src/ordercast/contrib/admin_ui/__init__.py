"""The official Socket.IO Admin UI, served by us: a namespace that its dashboard connects to.

Upstream: a program calls `instrument` before it serves. Downstream: the rest of the hub, through `Server.observer`.
Stays true: a server that is not instrumented runs none of this, and one that nobody looks at counts and sends nothing.
"""

from .auth import BasicAuth
from .instrument import instrument
from .mode import Mode

__all__ = ["BasicAuth", "Mode", "instrument"]
